// What a fiber keeps across its waits, and what its loop does for the others.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <fstream>
#include <future>
#include <socketserver/concurrency/offload.hpp>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/concurrency/sync.hpp>
#include <socketserver/io/reader.hpp>
#include <socketserver/net/socket_stream.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/event.hpp"
#include "support/eventually.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::Event;
using testing_support::eventually;

namespace {

std::unique_ptr<Policy> fibers(std::size_t loops = 1, Logger* log = nullptr) {
  return make_policy({.kind = PolicyKind::fiber, .threads = loops, .log = log});
}

/// Two ends of a connection, each to be used by a fiber.
std::pair<std::unique_ptr<SocketStream>, std::unique_ptr<SocketStream>> connected() {
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  return {std::make_unique<SocketStream>(FileDescriptor(fds[0]), SocketAddress()),
          std::make_unique<SocketStream>(FileDescriptor(fds[1]), SocketAddress())};
}

/// Waits in its destructor, which may run while an exception passes.
struct WaitsAtTheEnd {
  ~WaitsAtTheEnd() { sleep_for(1ms); }
};

}  // namespace

TEST_CASE("a wait inside a catch block leaves each fiber its own exception") {
  const auto policy = fibers();
  std::atomic<int> right{0};
  for (int i = 0; i < 20; ++i) {
    policy->submit([&right, i] {
      for (int round = 0; round < 10; ++round) {
        const std::string mine = std::to_string(i) + "/" + std::to_string(round);
        try {
          const WaitsAtTheEnd waits;  // suspended while the exception is in flight
          throw std::runtime_error(mine);
        } catch (const std::runtime_error&) {
          sleep_for(std::chrono::microseconds(100 * ((i + round) % 3)));
          try {
            throw;  // the one that this fiber handles
          } catch (const std::runtime_error& again) {
            if (again.what() == mine && std::uncaught_exceptions() == 0) ++right;
          }
        }
        if (std::current_exception() == nullptr) ++right;
      }
    });
  }
  policy->join();
  CHECK(right == 20 * 10 * 2);
}

TEST_CASE("uncaught_exceptions counts a fiber's own") {
  const auto policy = fibers();
  int inside = -1;
  int beside = -1;
  Event unwinding;
  Event counted;
  struct Counts {
    int& count;
    Event& begun;
    Event& go_on;
    ~Counts() {
      begun.set();
      go_on.wait();  // the other fiber runs now
      count = std::uncaught_exceptions();
    }
  };
  policy->submit([&] {
    try {
      const Counts counts{inside, unwinding, counted};
      throw 1;
    } catch (int) {
    }
  });
  policy->submit([&] {
    unwinding.wait();
    beside = std::uncaught_exceptions();
    counted.set();
  });
  policy->join();
  CHECK(inside == 1);
  CHECK(beside == 0);
}

TEST_CASE("fibers speak with each other on one loop, whichever waits first") {
  const auto policy = fibers();
  auto [left, right] = connected();
  std::string heard;
  policy->submit([&heard, &stream = *left] {
    stream.sendall("ping");
    heard = stream.recv(100);
    stream.shutdown(ShutdownHow::write);
  });
  policy->submit([&stream = *right] {
    while (true) {
      const std::string bytes = stream.recv(100);
      if (bytes.empty()) break;
      stream.sendall(bytes + " pong");
    }
  });
  policy->join();
  CHECK(heard == "ping pong");
}

TEST_CASE("a fiber of another loop sends whole messages on a connection that its owner reads") {
  const auto policy = fibers(2);
  auto [left, right] = connected();
  const std::string message(300000, 'm');  // more than the kernel takes at once: senders wait in turn
  constexpr int kSenders = 6;
  std::atomic<int> sent{0};
  std::atomic<bool> owner_ended{false};
  policy->submit([&owner_ended, &stream = *left] {  // the owner: its first wait registers the connection
    owner_ended = stream.recv(1) == "e";
  });
  for (int i = 0; i < kSenders; ++i) {
    policy->submit([&sent, &message, &stream = *left] {
      stream.sendall(message);
      ++sent;
    });
  }
  std::size_t received = 0;
  while (received < kSenders * message.size()) received += right->recv(65536).size();
  right->sendall("e");
  policy->join();
  CHECK(sent == kSenders);
  CHECK(owner_ended);
}

TEST_CASE("a read ends at its deadline, at an abort, and goes on with what is there") {
  const auto policy = fibers();
  auto [left, right] = connected();
  left->settimeout(20ms);
  std::promise<void> waiting;
  std::string first;
  bool timed_out = false;
  bool aborted = false;
  policy->submit([&, &stream = *left, &peer = *right] {
    try {
      (void)stream.recv(10);
    } catch (const TimeoutError&) {
      timed_out = true;
    }
    peer.sendall("there");
    first = stream.recv(10);
    stream.settimeout(std::nullopt);
    waiting.set_value();
    try {
      (void)stream.recv(10);
    } catch (const StreamError& error) {
      aborted = error.code() == std::errc::connection_aborted;
    }
  });
  waiting.get_future().wait();
  left->abort();
  policy->join();
  CHECK(timed_out);
  CHECK(first == "there");
  CHECK(aborted);
}

TEST_CASE("a fiber that always has something to read gives the others their turn") {
  const auto policy = fibers();
  auto [left, right] = connected();
  std::atomic<bool> other_ran{false};
  std::atomic<int> reads{0};
  right->sendall(std::string(10000, 'x'));
  std::promise<void> both_submitted;
  policy->submit([&, &stream = *left] {
    both_submitted.get_future().wait();  // holds the loop
    while (!other_ran && reads < 10000) {
      (void)stream.recv(1);
      ++reads;
    }
  });
  policy->submit([&other_ran] { other_ran = true; });
  both_submitted.set_value();
  policy->join();
  CHECK(other_ran);
  CHECK(reads < 1000);
}

TEST_CASE("a fiber that waits for its peer does not wait for all that are busy") {
  const auto policy = fibers();
  constexpr int kBusy = 40;
  std::atomic<int> operations{0};
  std::atomic<bool> over{false};
  std::vector<std::pair<std::unique_ptr<SocketStream>, std::unique_ptr<SocketStream>>> busy;
  for (int i = 0; i < kBusy; ++i) {
    busy.push_back(connected());
    busy.back().second->sendall(std::string(20000, 'x'));
    policy->submit([&operations, &over, &stream = *busy.back().first] {
      while (!over && !stream.recv(1).empty()) {
        ++operations;
        // Work, so that the budget of time ends a turn rather than that of operations.
        for (const TimePoint until = steady_clock().now() + 200us; steady_clock().now() < until;) continue;
      }
    });
  }
  auto [asked, asking] = connected();
  policy->submit([&stream = *asked] {
    while (!stream.recv(1).empty()) stream.sendall("y");
  });
  std::vector<int> waited;  // operations of the others, from a question to its answer
  for (int i = 0; i < 15; ++i) {
    // The loop has gone on to the others: else the one that is asked answers all in one turn, and waits for nobody.
    CHECK(eventually([&operations, seen = operations.load()] { return operations > seen; }));
    const int before = operations;
    asking->sendall("x");
    CHECK(asking->recv(1) == "y");
    waited.push_back(operations - before);
  }
  over = true;
  asking->close();
  policy->join();
  std::sort(waited.begin(), waited.end());
  CHECK(waited[waited.size() / 2] < 2 * kBusy);  // were each to have its turn first: 64 of each
}

TEST_CASE("timers fire in the order of their deadlines, however they were set") {
  const auto policy = fibers();
  Mutex mutex;
  ConditionVariable changed;
  bool go = false;
  std::vector<int> order;
  for (const int ms : {40, 10, 30, 20}) {
    policy->submit([&, ms] {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&go] { return go; });
      lock.unlock();
      sleep_for(std::chrono::milliseconds(ms));
      order.push_back(ms);
    });
  }
  {
    const std::lock_guard lock(mutex);
    go = true;
    changed.notify_all();
  }
  policy->join();
  CHECK(order == std::vector<int>{10, 20, 30, 40});
}

TEST_CASE("a thousand fibers wait at once, round after round") {
  const auto policy = fibers(2);
  for (int round = 0; round < 3; ++round) {
    Mutex mutex;
    ConditionVariable all_there;
    int there = 0;
    for (int i = 0; i < 1000; ++i) {
      policy->submit([&] {
        std::unique_lock lock(mutex);
        if (++there == 1000) all_there.notify_all();
        all_there.wait(lock, [&there] { return there == 1000; });
      });
    }
    policy->join();
    CHECK(there == 1000);
  }
}

TEST_CASE("a handler that blocks its loop is named, once a second at most") {
  const auto path = std::filesystem::temp_directory_path() / ("watchdog." + std::to_string(::getpid()));
  {
    Logger log({.level = LogLevel::warning, .pattern = "{message}", .file = path.string()});
    const auto policy = fibers(2, &log);
    std::atomic<bool> over{false};
    policy->submit(
        [&over] {
          while (!over) std::this_thread::yield();
        },
        [] { return std::string("SlowHandler for 127.0.0.1:4711"); });
    const auto lines = [&path] {
      std::ifstream file(path);
      std::stringstream text;
      text << file.rdbuf();
      return text.str();
    };
    CHECK(eventually([&lines] { return !lines().empty(); }));
    const std::string first = lines();
    CHECK(first.starts_with("SlowHandler for 127.0.0.1:4711 has blocked its fiber loop for "));
    CHECK(std::count(first.begin(), first.end(), '\n') == 1);
    CHECK(eventually([&lines, &first] { return lines().size() > first.size(); }));  // and again, while it lasts
    over = true;
    policy->join();
  }
  std::filesystem::remove(path);
}

TEST_CASE("waits with a deadline that has passed do not keep the loop from others") {
  const auto policy = fibers();
  std::atomic<bool> over{false};
  policy->submit([&over] {
    while (!over) sleep_for(-1ms);
  });
  policy->submit([&over] { over = true; });
  policy->join();
  CHECK(over);
}

TEST_CASE("what has arrived is read even if the deadline has passed before the loop looked") {
  const auto policy = fibers();
  auto [left, right] = connected();
  right->sendall("in time\n");
  left->settimeout(0ms);
  std::string line;
  policy->submit([&line, &stream = *left] {
    Reader reader(stream);
    line = reader.readline().value_or("");
  });
  policy->join();
  CHECK(line == "in time\n");
}

TEST_CASE("a mutex goes to whoever has waited longest, not back to who gave it up") {
  const auto policy = fibers();
  Mutex mutex;
  int rounds = 0;
  int rounds_waited = -1;
  policy->submit([&] {
    for (; rounds_waited < 0 && rounds < 100000; ++rounds) {
      const std::lock_guard lock(mutex);
      sleep_for(10us);
    }
  });
  policy->submit([&] {
    const int before = rounds;
    const std::lock_guard lock(mutex);
    rounds_waited = rounds - before;
  });
  policy->join();
  CHECK(rounds_waited >= 0);
  CHECK(rounds_waited <= 2);
}

TEST_CASE("senders have their turn in the order of their coming") {
  const auto kind = GENERATE(PolicyKind::thread, PolicyKind::fiber);
  const auto policy = make_policy({.kind = kind, .threads = 1});
  auto [left, right] = connected();
  const std::string large(1U << 20U, 'x');
  std::atomic<bool> sent{false};
  int messages = 0;
  Event begun;
  policy->submit([&, &stream = *left] {
    for (; !sent && messages < 10000; ++messages) {
      stream.sendall(large);
      begun.set();
    }
    stream.shutdown(ShutdownHow::write);
  });
  policy->submit([&, &stream = *left] {
    begun.wait();
    stream.sendall("small");
    sent = true;
  });
  while (!right->recv(65536).empty()) {
  }
  policy->join();
  CHECK(sent);
  CHECK(messages < 10000);
}

TEST_CASE("a sender may wait for room on a connection that its owner has not read yet") {
  const auto policy = fibers();
  auto [left, right] = connected();
  std::string asked;
  policy->submit([&stream = *left] { stream.sendall(std::string(5U << 20U, 'x')); });  // registers it first
  policy->submit([&asked, &stream = *left] {
    sleep_for(5ms);
    asked = stream.recv(10);
  });
  std::size_t received = right->recv(1).size();
  right->sendall("question");
  while (received < 5U << 20U) received += right->recv(65536).size();
  policy->join();
  CHECK(asked == "question");
}

TEST_CASE("urgent data does not hide what comes after it") {
  const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  const SocketAddress address = local_address(listener.get());
  const FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(client.get(), address.data(), address.size()) == 0);
  SocketStream stream(FileDescriptor(::accept(listener.get(), nullptr, nullptr)), address);
  stream.settimeout(5s);
  REQUIRE(::send(client.get(), "abc", 3, 0) == 3);
  REQUIRE(::send(client.get(), "!", 1, MSG_OOB) == 1);
  REQUIRE(::send(client.get(), "def", 3, 0) == 3);
  const auto policy = fibers();
  std::string read;
  policy->submit([&read, &stream] {
    while (read.size() < 6) read += stream.recv(100);
  });
  policy->join();
  CHECK(read == "abcdef");
}

TEST_CASE("a policy that goes waits for its fibers, also where they offload") {
  std::atomic<int> done{0};
  {
    const auto policy = fibers(2);
    for (int i = 0; i < 20; ++i) {
      policy->submit([&done] {
        sleep_for(1ms);
        offload([&done] { ++done; });
      });
    }
  }
  CHECK(done == 20);
}

TEST_CASE("a stream may end after the loop that it was registered with") {
  auto [left, right] = connected();
  {
    const auto policy = fibers();
    right->sendall("x");
    policy->submit([&stream = *left] { (void)stream.recv(1); });
    policy->join();
  }
  right->sendall("more");
  CHECK(left->recv(10) == "more");
  left.reset();
  CHECK(right->recv(10).empty());
}
