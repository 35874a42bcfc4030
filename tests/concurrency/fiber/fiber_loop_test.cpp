// What a loop does for each of its fibers.

#include <algorithm>
#include <atomic>
#include <future>
#include <socketserver/io/reader.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/wait/sync.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/connected.hpp"
#include "support/eventually.hpp"
#include "support/policies.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::connected;
using testing_support::eventually;
using testing_support::fibers;

namespace {

struct Turn {
  int reads = 0;
  std::size_t bytes = 0;
};

/// What a fiber reads, so much at a time and with so much work after each, before its loop runs another that is ready.
Turn turn_of(std::size_t at_once, Duration work) {
  constexpr std::size_t kThere = 128 * 1024;
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  SocketStream reader{FileDescriptor(fds[0]), SocketAddress()};
  SocketStream writer{FileDescriptor(fds[1]), SocketAddress()};
  set_option(fds[1], SOL_SOCKET, SO_SNDBUF, 4 * kThere, "SO_SNDBUF");
  writer.sendall(std::string(kThere, 'x'));
  Turn turn;
  bool other_ran = false;
  const auto policy = make_policy({.kind = PolicyKind::fiber, .threads = 1});
  policy->submit([&] {
    const auto read = [&] {
      ++turn.reads;
      turn.bytes += reader.recv(at_once).size();
      for (const TimePoint until = steady_clock().now() + work; steady_clock().now() < until;) continue;
    };
    read();  // which may wait for the loop's first look
    turn = {};
    policy->submit([&other_ran] { other_ran = true; });
    while (!other_ran && turn.bytes + 2 * at_once <= kThere) read();
  });
  policy->join();
  return turn;
}

}  // namespace

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

TEST_CASE("a fiber's turn ends after 64 reads, 64 KiB or half a millisecond") {
  for (int i = 0; i < 20; ++i) CHECK(turn_of(1, 0us).reads <= 64);
  CHECK(turn_of(4096, 0us).bytes <= 65536);
  CHECK(turn_of(1, 1ms).reads <= 8);  // the clock is looked at after every fourth
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
    // The loop has run the others: else the fiber that is asked answers all in one turn, without waiting for them.
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
