// The script is played by io/memory_stream.hpp; here through the words of testing/script.hpp.

#include <socketserver/io/memory_stream.hpp>
#include <socketserver/testing/script.hpp>

#include "support/catch.hpp"

using namespace socketserver;
using namespace socketserver::testing;
using namespace std::literals;

namespace {

MemoryStream peer_of(const Script& script) { return MemoryStream(script.steps()); }

/// @returns what the ScriptError says that this throws.
template <typename Action>
std::string complaint(Action action) {
  try {
    action();
  } catch (const ScriptError& error) {
    return error.what();
  }
  return "none";
}

std::error_code send_error(Stream& stream, std::string_view bytes) { return stream.try_sendall(bytes).error; }

}  // namespace

TEST_CASE("a conversation continues when the handler has sent what is expected, in one piece or several") {
  MemoryStream stream = peer_of({send("a\n"), expect("A\n"), send("b\n"), expect("B"), expect("\n")});
  CHECK(stream.recv(10) == "a\n");
  stream.sendall("A");
  stream.sendall("\n");
  CHECK(stream.recv(10) == "b\n");
  stream.sendall("B\n");
  CHECK(stream.recv(10).empty());
  stream.verify_script();
}

TEST_CASE("other bytes than expected are an error at once, which names the step and shows both sides") {
  MemoryStream stream = peer_of({send("a\n"), expect("A\n\x01")});
  (void)stream.recv(10);
  stream.sendall("A");
  const std::string expected =
      R"(step 2 of 2, expect("A\n\x01"): the handler has sent "A\rx", which differs at byte 1)";
  CHECK(complaint([&] { stream.sendall("\rx"); }) == expected);
  SECTION("the handler then sees a reset, and the error stays") {
    CHECK_THROWS_AS(stream.recv(1), StreamError);
    CHECK_THROWS_AS(stream.sendall("more"), StreamError);
    CHECK(complaint([&] { stream.verify_script(); }) == expected);
  }
}

TEST_CASE("fewer bytes than expected are an error when the handler waits for input") {
  MemoryStream stream = peer_of({expect("hello\n"), send("x")});
  stream.sendall("hel");
  CHECK(complaint([&] { (void)stream.recv(1); }) ==
        R"(step 1 of 2, expect("hello\n"): the handler has sent "hel" and waits for input)");
}

TEST_CASE("more bytes than expected are an error when the handler waits for input") {
  MemoryStream stream = peer_of({expect("hello\n"), send("x")});
  stream.sendall("hello\nhello\n");
  CHECK(complaint([&] { (void)stream.recv(1); }) ==
        R"(step 1 of 2, expect("hello\n"): the handler has sent "hello\nhello\n", 6 bytes more than that)");
}

TEST_CASE("an expectation that is not met when the handler ends is an error") {
  MemoryStream stream = peer_of({send("a"), send("b"), expect("c")});
  CHECK(stream.recv(1) == "a");
  stream.sendall("x");
  CHECK(complaint([&] { stream.verify_script(); }) ==
        R"(step 3 of 3, expect("c"): the handler has sent "x" and ended)");
}

TEST_CASE("output after the last expectation and another step is free") {
  MemoryStream stream = peer_of({expect("hello\n"), send("x")});
  stream.sendall("hello\n");
  CHECK(stream.recv(10) == "x");
  stream.sendall("anything");
  CHECK(stream.recv(10).empty());
  stream.verify_script();
}

TEST_CASE("a peer that has half-closed may still expect") {
  MemoryStream stream = peer_of({send("a"), half_close(), expect("A")});
  CHECK(stream.recv(10) == "a");
  CHECK(stream.recv(10).empty());
  CHECK(complaint([&] { stream.verify_script(); }) == R"(step 3 of 3, expect("A"): the handler has sent "" and ended)");
  MemoryStream good = peer_of({half_close(), expect("A")});
  CHECK(good.recv(10).empty());
  good.sendall("A");
  good.verify_script();
}

TEST_CASE("a reset is seen by the next read, and after an expectation by the next send") {
  MemoryStream stream = peer_of({send("a"), reset()});
  (void)stream.recv(1);
  stream.sendall("x");
  CHECK_THROWS_AS(stream.recv(1), StreamError);
  CHECK(send_error(stream, "y") == std::errc::broken_pipe);

  MemoryStream clock = peer_of({expect("tick"), expect("tick"), reset()});
  clock.sendall("tick");
  clock.sendall("tick");
  CHECK(send_error(clock, "tick") == std::errc::broken_pipe);
}

TEST_CASE("a peer that does not read holds a send up until its deadline") {
  MemoryStream stream = peer_of({send("a"), stop_reading()});
  stream.settimeout(30s);
  CHECK(stream.recv(1) == "a");
  CHECK(send_error(stream, "x") == std::errc::timed_out);
  CHECK(stream.clock().now() == TimePoint{} + 30s);
  CHECK(stream.written().empty());
}

TEST_CASE("a peer that reads again unblocks a send") {
  MemoryStream stream = peer_of({stop_reading(), pause(5s), resume_reading(), pause(40s), send("a")});
  stream.settimeout(30s);
  stream.sendall("x");
  CHECK(stream.clock().now() == TimePoint{} + 5s);
  CHECK(stream.written() == "x");
  CHECK_THROWS_AS(stream.recv(1), TimeoutError);
  CHECK(stream.recv(1) == "a");
}

TEST_CASE("a peer that reads again too late is too late") {
  MemoryStream stream = peer_of({stop_reading(), pause(50s), resume_reading()});
  stream.settimeout(30s);
  CHECK(send_error(stream, "x") == std::errc::timed_out);
  CHECK(stream.clock().now() == TimePoint{} + 30s);
}

TEST_CASE("a peer that stays connected lets every wait time out") {
  MemoryStream stream = peer_of({stay_connected()});
  stream.settimeout(2s);
  CHECK_THROWS_AS(stream.recv(1), TimeoutError);
  CHECK_THROWS_AS(stream.recv(1), TimeoutError);
  CHECK(stream.clock().now() == TimePoint{} + 4s);
  stream.drain();
  CHECK(stream.recv(1).empty());
}

TEST_CASE("a wait without a deadline that nothing would end is an error, not a hang") {
  MemoryStream silent = peer_of({send("a"), pause_past_deadline()});
  CHECK(silent.recv(1) == "a");
  CHECK(complaint([&] { (void)silent.recv(1); }) ==
        "step 2 of 2, pause_past_deadline(): the handler waits without a deadline");
  MemoryStream connected = peer_of({stay_connected()});
  CHECK(complaint([&] { (void)connected.recv(1); }) ==
        "step 1 of 1, stay_connected(): the handler waits without a deadline");
  MemoryStream stopped = peer_of({stop_reading(), pause(1s)});
  CHECK(complaint([&] { stopped.sendall("x\n"); }) ==
        R"(step 1 of 2, stop_reading(): the handler waits without a deadline to send "x\n")");
}

TEST_CASE("expectations can be ignored from some point on") {
  MemoryStream stream = peer_of({expect("hello"), send("a"), expect("b"), send("c")});
  stream.ignore_expectations();
  CHECK(stream.recv(1) == "a");
  stream.sendall("x");
  CHECK(stream.recv(1) == "c");
  stream.verify_script();
}

TEST_CASE("a script can be written as it is in a source") {
  const Script script{
      send("a\"\\\n"), expect("\xff"s + "f\x7f"), pause(61s),       pause(5ms),   pause(7us), pause_past_deadline(),
      stop_reading(),  resume_reading(),          stay_connected(), half_close(), reset(),    send("\0z"sv)};
  CHECK(script.code() == R"(Script{send("a\"\\\n"), expect("\xff" "f\x7f"), pause(61s), pause(5ms), pause(7000ns), )"
                         "pause_past_deadline(), stop_reading(), resume_reading(), stay_connected(), half_close(), "
                         R"(reset(), send("\x00z"sv)})");
  // The literals above, as a compiler reads them.
  CHECK(
      "\xff"
      "f\x7f" == "\xff"s + "f\x7f");
  CHECK("\x00z"sv == "\0z"sv);
}
