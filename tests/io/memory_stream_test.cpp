#include <future>
#include <socketserver/io/memory_stream.hpp>

#include "support/catch.hpp"

using namespace socketserver;
using namespace std::chrono_literals;

TEST_CASE("the record of writes survives close") {
  MemoryStream stream("in");
  stream.sendall("a");
  stream.sendall("bc");
  stream.close();
  CHECK(stream.closed());
  CHECK(stream.written() == "abc");
  CHECK(stream.writes() == std::vector<std::string>{"a", "bc"});
  CHECK(stream.unread() == "in");
  CHECK_THROWS_AS(stream.sendall("x"), StreamError);
  CHECK_THROWS_AS(stream.recv(1), StreamError);
}

TEST_CASE("a script plays chunks, silence, EOF and reset") {
  MemoryStream stream({"ab", PeerStep::pause(1s), "c", PeerStep::eof()});
  stream.settimeout(2s);
  CHECK(stream.recv(10) == "ab");
  CHECK(stream.recv(10) == "c");
  CHECK(stream.clock().now() == TimePoint{} + 1s);
  CHECK(stream.recv(10).empty());
  CHECK(stream.recv(10).empty());

  MemoryStream broken({PeerStep::reset()});
  try {
    broken.recv(1);
    FAIL("no exception");
  } catch (const StreamError& error) {
    CHECK(error.code() == std::errc::connection_reset);
  }
}

TEST_CASE("a silence longer than the deadline times out at the deadline, and its rest remains") {
  MemoryStream stream({PeerStep::pause(5s), "a"});
  stream.settimeout(2s);
  CHECK_THROWS_AS(stream.recv(1), TimeoutError);
  CHECK_THROWS_AS(stream.recv(1), TimeoutError);
  CHECK(stream.recv(1) == "a");
  CHECK(stream.clock().now() == TimePoint{} + 5s);
}

TEST_CASE("a silence without end against a reader without a deadline is a mistake of the test") {
  MemoryStream stream({PeerStep::pause_past_deadline()});
  CHECK_THROWS_AS(stream.recv(1), std::logic_error);
}

TEST_CASE("a pair carries bytes both ways, and EOF") {
  auto [left, right] = MemoryStream::pair();
  left->sendall("ping");
  CHECK(right->recv(10) == "ping");
  right->sendall("pong");
  right->shutdown(ShutdownHow::write);
  CHECK(left->recv(10) == "pong");
  CHECK(left->recv(10).empty());
  CHECK_THROWS_AS(right->sendall("more"), StreamError);
}

TEST_CASE("a reader of a pair waits for the other side, no longer than its deadline") {
  auto [left, right] = MemoryStream::pair();
  auto reading = std::async(std::launch::async, [&stream = *right] { return stream.recv(10); });
  left->sendall("x");
  CHECK(reading.get() == "x");
  right->settimeout(1ms);
  CHECK_THROWS_AS(right->recv(1), TimeoutError);
}

TEST_CASE("abort wakes a reader with an error, drain with EOF") {
  auto [left, right] = MemoryStream::pair();
  auto reading = std::async(std::launch::async, [&stream = *right] { return stream.recv(10); });
  right->drain();
  CHECK(reading.get().empty());
  auto failing = std::async(std::launch::async, [&stream = *left] { return stream.recv(10); });
  left->abort();
  CHECK_THROWS_AS(failing.get(), StreamError);
}
