#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <iterator>
#include <socketserver/io/reader.hpp>
#include <socketserver/net/listener_set.hpp>
#include <socketserver/net/socket_stream.hpp>
#include <thread>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/eventually.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using detail::ListenerSet;
using testing_support::Client;
using testing_support::eventually;

namespace {

void wait_for_input(int fd) {
  pollfd input{.fd = fd, .events = POLLIN, .revents = 0};
  REQUIRE(::poll(&input, 1, 10'000) == 1);
}

/// A stream under test and the plain client at its other end.
struct Connected {
  Connected() {
    acceptor.wait(true, Deadline::after(10s));
    ListenerSet::Accepted accepted = acceptor.accept();
    stream.emplace(std::move(accepted.socket), accepted.peer);
  }
  /// A message has begun, and a drain has shut reading down, as it does when the reader waits: the reader did not see
  /// the first bytes before.
  void drain_as_a_message_begins() {
    client.send("begun");
    wait_for_input(stream->native_handle());
    stream->drain();
    stream->shutdown(ShutdownHow::read);
  }
  ListenerSet acceptor{{.host = "127.0.0.1", .port = 0}, {}};
  Client client{acceptor.address()};
  std::optional<SocketStream> stream;
};

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Waits until the stream's reader is in the kernel: a reader that has not come so far would make a test easier.
/// @param in  a part of the kernel function's name: as recv(2) waits, or "poll". Where a kernel hides the name, that
/// the thread sleeps has to do.
void wait_until_blocked(pid_t thread, std::string_view in = "wait_woken") {
  const std::string task = "/proc/self/task/" + std::to_string(thread);
  REQUIRE(eventually([&] {
    const std::string name = text_of(task + "/wchan");
    if (!name.empty() && name != "0") return name.find(in) != std::string::npos;
    return text_of(task + "/status").find("State:\tS") != std::string::npos;
  }));
}

}  // namespace

TEST_CASE("bytes go both ways and are counted") {
  Connected pair;
  pair.client.send("ping");
  CHECK(pair.stream->recv(100) == "ping");
  pair.stream->sendall("pongs");
  CHECK(pair.client.recv() == "pongs");
  CHECK(pair.stream->bytes_in() == 4);
  CHECK(pair.stream->bytes_out() == 5);
  CHECK(pair.stream->peer_address() == local_address(pair.client.native_handle()));
}

TEST_CASE("EOF is an empty result and known as such") {
  Connected pair;
  pair.client.send("x");
  pair.client.half_close();
  CHECK(pair.stream->recv(100) == "x");
  CHECK_FALSE(pair.stream->at_eof());
  CHECK(pair.stream->recv(100).empty());
  CHECK(pair.stream->at_eof());
}

TEST_CASE("recv times out, not early, and the stream can be used after it") {
  Connected pair;
  pair.stream->settimeout(30ms);
  const auto before = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(pair.stream->recv(1), TimeoutError);
  CHECK(std::chrono::steady_clock::now() - before >= 30ms);
  pair.client.send("x");
  pair.stream->settimeout(10s);
  CHECK(pair.stream->recv(1) == "x");
}

TEST_CASE("an expired deadline still takes what has arrived") {
  Connected pair;
  pair.client.send("x");
  wait_for_input(pair.stream->native_handle());
  pair.stream->settimeout(0s);
  CHECK(pair.stream->recv(1) == "x");
  CHECK_THROWS_AS(pair.stream->recv(1), TimeoutError);
}

TEST_CASE("changing deadlines, longer and shorter, are all kept") {
  Connected pair;
  std::array<std::byte, 1> into{};
  for (const auto timeout : {50ms, 1ms, 200ms, 7ms}) {
    const Deadline deadline = Deadline::after(timeout);
    CHECK(pair.stream->read_some(into, deadline, Wait::more).error == std::errc::timed_out);
    CHECK(deadline.expired());
  }
}

TEST_CASE("sendall to a peer that does not read ends at the write timeout") {
  Connected pair;
  pair.stream->settimeout(50ms);
  const std::string much(64 << 20, 'x');
  try {
    pair.stream->sendall(much);
    FAIL("no exception");
  } catch (const TimeoutError& error) {
    CHECK(error.bytes_transferred() > 0);
    CHECK(error.bytes_transferred() < much.size());
  }
  CHECK_THROWS_AS(pair.stream->sendall("x"), StreamError);
}

TEST_CASE("a reset by the peer is a stream error") {
  Connected pair;
  pair.client.send("x");
  wait_for_input(pair.stream->native_handle());
  pair.client.reset();
  CHECK_THROWS_AS(
      [&] {
        while (!pair.stream->recv(100).empty()) {
        }
      }(),
      StreamError);
}

TEST_CASE("after close every call fails and none crashes") {
  Connected pair;
  pair.stream->close();
  pair.stream->close();
  pair.stream->shutdown();
  pair.stream->drain();
  pair.stream->abort();
  CHECK_THROWS_AS(pair.stream->recv(1), StreamError);
  CHECK_THROWS_AS(pair.stream->sendall("x"), StreamError);
  CHECK(pair.client.recv().empty());
}

TEST_CASE("abort wakes a blocked reader with an error") {
  Connected pair;
  auto reading = std::async(std::launch::async, [&] { return pair.stream->recv(1); });
  pair.stream->abort();
  CHECK_THROWS_AS(reading.get(), StreamError);
}

TEST_CASE("a drain wakes a reader that waits for a message with EOF") {
  Connected pair;
  std::promise<pid_t> thread;
  auto reading = std::async(std::launch::async, [&] {
    thread.set_value(::gettid());
    return pair.stream->recv(1);
  });
  wait_until_blocked(thread.get_future().get());
  pair.stream->drain();
  CHECK(reading.get().empty());
  CHECK_FALSE(pair.stream->at_eof());  // the peer has not closed
}

TEST_CASE("after a drain what has arrived is read, then EOF") {
  Connected pair;
  pair.client.send("last");
  wait_for_input(pair.stream->native_handle());
  pair.stream->drain();
  CHECK(pair.stream->recv(100) == "last");
  CHECK(pair.stream->recv(100).empty());
}

TEST_CASE("a drain lets a message that has begun arrive in full") {
  Connected pair;
  pair.stream->settimeout(10s);
  pair.client.send("begun");
  wait_for_input(pair.stream->native_handle());
  pair.stream->drain();
  auto reading = std::async(std::launch::async, [&] {
    Reader reader(*pair.stream);
    return std::string(reader.readline().value_or("(none)"));
  });
  pair.client.send(" and ended\n");
  CHECK(reading.get() == "begun and ended\n");
}

TEST_CASE("a message whose beginning raced with the drain arrives in full, too") {
  for (const bool then_close : {false, true}) {
    Connected pair;
    pair.stream->settimeout(10s);
    pair.drain_as_a_message_begins();
    std::promise<pid_t> thread;
    auto reading = std::async(std::launch::async, [&] {
      thread.set_value(::gettid());
      Reader reader(*pair.stream);
      std::string all;
      while (const auto line = reader.readline()) all += *line;
      return all;
    });
    thread.get_future().wait();
    pair.client.send(then_close ? " and cut" : " and ended\n");
    if (then_close) pair.client.half_close();
    CHECK(reading.get() == (then_close ? "begun and cut" : "begun and ended\n"));
  }
}

TEST_CASE("a message that a drain lets arrive still ends at its read deadline, and at an abort") {
  for (const bool abort : {false, true}) {
    Connected pair;
    pair.stream->set_timeouts({.idle = 10s, .read = abort ? 10s : Duration(30ms), .write = 10s});
    pair.drain_as_a_message_begins();
    Reader reader(*pair.stream);
    auto reading = std::async(std::launch::async, [&] { reader.readline(); });
    if (abort) pair.stream->abort();
    CHECK_THROWS_AS(reading.get(), StreamError);
  }
}

TEST_CASE("an abort ends a message that a drain lets arrive also after the sending side was shut") {
  Connected pair;
  pair.stream->settimeout(std::nullopt);
  pair.drain_as_a_message_begins();
  pair.stream->shutdown(ShutdownHow::write);
  std::promise<pid_t> thread;
  auto reading = std::async(std::launch::async, [&] {
    thread.set_value(::gettid());
    Reader reader(*pair.stream);
    reader.readline();
  });
  wait_until_blocked(thread.get_future().get(), "poll");
  pair.stream->abort();
  const bool woken = reading.wait_for(10s) == std::future_status::ready;
  CHECK(woken);
  if (!woken) pair.client.reset();  // so that the test ends
  CHECK_THROWS_AS(reading.get(), StreamError);
}

TEST_CASE("a message that a drain lets arrive is an error if a reset cuts it, not an end") {
  Connected pair;
  pair.stream->settimeout(10s);
  pair.drain_as_a_message_begins();
  Reader reader(*pair.stream);
  CHECK(reader.peek() == "begun");
  pair.client.reset();
  CHECK_THROWS_AS(reader.readline(), StreamError);
}

TEST_CASE("a large sendall interrupted by signals is not cut short") {
  struct sigaction quiet {};
  quiet.sa_handler = [](int) {};  // without SA_RESTART: system calls return EINTR
  struct sigaction before {};
  ::sigaction(SIGUSR1, &quiet, &before);
  Connected pair;
  pair.stream->settimeout(10s);
  const std::string much(16 << 20, 'x');
  std::promise<pthread_t> thread;
  std::atomic<bool> sent{false};
  auto sending = std::async(std::launch::async, [&] {
    thread.set_value(::pthread_self());
    pair.stream->sendall(much);
    sent = true;
    return true;
  });
  const pthread_t sender = thread.get_future().get();
  std::size_t received = 0;
  while (received < much.size()) {
    if (!sent) ::pthread_kill(sender, SIGUSR1);
    const std::string part = pair.client.recv(100'000);
    REQUIRE_FALSE(part.empty());
    received += part.size();
  }
  CHECK(sending.get());
  CHECK(received == much.size());
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("release gives the socket away and leaves a closed stream") {
  Connected pair;
  const FileDescriptor socket = pair.stream->release();
  CHECK(socket);
  CHECK_FALSE(pair.stream->release());
  CHECK_THROWS_AS(pair.stream->sendall("x"), StreamError);
  CHECK(::send(socket.get(), "y", 1, MSG_NOSIGNAL) == 1);
  CHECK(pair.client.recv() == "y");
}

TEST_CASE("several senders, a reader and a drain at the same time") {
  Connected pair;
  pair.stream->settimeout(10s);
  auto reading = std::async(std::launch::async, [&] {
    std::size_t got = 0;
    for (std::string part = pair.stream->recv(100); !part.empty(); part = pair.stream->recv(100)) got += part.size();
    return got;
  });
  auto send = [&](char c) {
    for (int i = 0; i < 500; ++i) pair.stream->sendall(std::string(99, c) + "\n");
  };
  auto first = std::async(std::launch::async, send, 'a');
  auto second = std::async(std::launch::async, send, 'b');
  pair.client.send("hello");
  for (int i = 0; i < 1000; ++i) {
    const std::string line = pair.client.recv_line();
    REQUIRE(line == std::string(99, line[0]) + "\n");
  }
  pair.stream->drain();
  CHECK(reading.get() == 5);
}
