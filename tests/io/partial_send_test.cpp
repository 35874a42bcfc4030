// PartialSend: a message sent in two goes is still one, as the other senders see it.

#include <socketserver/io/partial_send.hpp>
#include <span>
#include <string_view>

#include "support/catch.hpp"
#include "support/gate_stream.hpp"

using namespace socketserver;
using socketserver::detail::PartialSend;
using testing_support::GateStream;

namespace {

std::span<const std::byte> octets(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace

TEST_CASE("a message begun keeps the other senders out until it is finished") {
  GateStream stream(3);
  PartialSend message(stream);
  PartialSend other(stream);
  const IoResult begun = message.begin(octets("hello"));
  CHECK(begun.bytes == 3);
  CHECK(begun.error == std::errc::timed_out);
  CHECK_FALSE(stream.send_failed());
  stream.take(GateStream::kEverything);
  CHECK(other.begin(octets("other")).error == std::errc::timed_out);
  stream.settimeout(Duration::zero());
  CHECK(stream.try_sendall("another").error == std::errc::timed_out);
  CHECK(message.finish(octets("lo")).bytes == 2);
  CHECK_FALSE(other.begin(octets("other")).error);
  CHECK(stream.written() == "helloother");
}

TEST_CASE("a message of which nothing could be sent keeps no other sender out") {
  GateStream stream(0);
  PartialSend message(stream);
  CHECK(message.begin(octets("hello")).error == std::errc::timed_out);
  message.give_up();
  CHECK_FALSE(stream.aborted());
  stream.take(GateStream::kEverything);
  stream.sendall("other ");
  CHECK_FALSE(message.finish(octets("hello")).error);
  CHECK(stream.written() == "other hello");
}

TEST_CASE("a message that is given up in the middle ends the connection") {
  GateStream stream(3);
  PartialSend message(stream);
  CHECK(message.begin(octets("hello")).bytes == 3);
  message.give_up();
  CHECK(stream.aborted());
  CHECK(stream.send_failed());
  CHECK(stream.try_sendall("other").error == std::errc::operation_canceled);
}

TEST_CASE("a message in the middle of which the lifetime ends ends the connection") {
  GateStream stream(3);
  PartialSend message(stream);
  CHECK(message.begin(octets("hello")).bytes == 3);
  stream.set_lifetime(Deadline::at_once());
  CHECK(message.finish(octets("lo")).error == std::errc::timed_out);
  CHECK(stream.send_failed());
}
