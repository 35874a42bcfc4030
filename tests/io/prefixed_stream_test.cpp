#include <socketserver/io/memory_stream.hpp>
#include <socketserver/io/prefixed_stream.hpp>
#include <socketserver/io/reader.hpp>

#include "support/catch.hpp"

using namespace socketserver;
using namespace std::chrono_literals;

TEST_CASE("the prefix is read before what the stream below has") {
  MemoryStream below({PeerStep("two\nth"), PeerStep("ree\n")});
  detail::PrefixedStream stream(below, "one\n");
  CHECK(stream.recv(2) == "on");
  Reader reader(stream, {.max_line = 100, .read_buffer = 3});
  std::string lines;
  while (const auto line = reader.readline()) lines += *line;
  CHECK(lines == "e\ntwo\nthree\n");
}

TEST_CASE("with a prefix left nothing waits, without one the stream below does") {
  MemoryStream below({PeerStep::pause_past_deadline()});
  detail::PrefixedStream stream(below, "x");
  CHECK_FALSE(stream.wait_some(Deadline::after(1s, stream.clock()), Wait::message).error);
  CHECK(below.clock().now() == TimePoint{});
  stream.settimeout(3s);
  CHECK(stream.recv(10) == "x");
  CHECK_THROWS_AS(stream.recv(10), TimeoutError);
  CHECK(below.clock().now() == TimePoint{} + 3s);
}

TEST_CASE("writing, drain, abort and the end are the ones of the stream below") {
  MemoryStream below("");
  detail::PrefixedStream stream(below, "x");
  stream.sendall("answer");
  CHECK(below.written() == "answer");
  stream.drain();
  CHECK(stream.recv(1) == "x");  // it had arrived
  CHECK(stream.recv(1).empty());
  CHECK(stream.end_is_local());
  stream.abort();
  CHECK_THROWS_AS(stream.recv(1), StreamError);
  stream.close();
  CHECK(below.closed());
  CHECK_THROWS_AS(stream.sendall("late"), StreamError);
}
