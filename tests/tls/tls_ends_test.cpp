// Deadlines, drains, and what a peer that is no TLS client brings about.

#include <socketserver/io/partial_send.hpp>

#include "support/catch.hpp"
#include "support/tls_pair.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using namespace testing_support;

namespace {

std::string failure_with(const std::vector<PeerStep>& script) {
  MemoryStream wire(script);
  TlsStream stream(wire, TlsContext::server(server_options()));
  return to_string(tls_failure(stream.handshake(Deadline::after(10s, wire.clock())).error));
}

}  // namespace

TEST_CASE("a handshake's failure has its reason") {
  CHECK(failure_with({"GET / HTTP/1.1\r\nHost: x\r\n\r\n"}) == "not_tls");
  CHECK(failure_with({"hello, world\n"}) == "not_tls");
  CHECK(failure_with({"hi\n"}) == "not_tls");
  CHECK(failure_with({PeerStep::eof()}) == "closed");
  CHECK(failure_with({std::string("\x16\x03\x01", 3), PeerStep::eof()}) == "closed");
  CHECK(failure_with({PeerStep::reset()}) == "closed");
  CHECK(failure_with({PeerStep::stay_connected()}) == "timed_out");
  CHECK(failure_with({std::string("\x16\x03\x01\x02", 4), PeerStep::stay_connected()}) == "timed_out");
  CHECK(failure_with({std::string("\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9), PeerStep::eof()}) == "other");
  CHECK(failure_with({std::string("\x15\x03\x01\x00\x02\x02\x28", 7), PeerStep::eof()}) == "other");  // an alert
}

TEST_CASE("the text of an error says that it is TLS's") {
  MemoryStream wire({"GET / HTTP/1.1\r\n\r\n"});
  TlsStream stream(wire, TlsContext::server(server_options()));
  stream.settimeout(10s);
  CHECK_THROWS_WITH(stream.recv(10), ContainsText("TLS: the peer does not speak TLS"));
  CHECK_THROWS_WITH(stream.do_handshake(), ContainsText("handshake: TLS: "));
}

TEST_CASE("a handshake that timed out can be continued") {
  TlsPair pair;
  CHECK(pair.client.handshake(Deadline::at_once()).error == std::errc::timed_out);
  CHECK(pair.server.handshake(Deadline::at_once()).error == std::errc::timed_out);
  CHECK_FALSE(pair.client.established());
  const auto results = pair.handshake();
  CHECK_FALSE(results.server.error);
  CHECK_FALSE(results.client.error);
}

TEST_CASE("a read times out and can be repeated") {
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  pair.server.settimeout(Duration::zero());
  std::array<std::byte, 16> into{};
  CHECK(pair.server.try_recv(into).error == std::errc::timed_out);
  pair.client.sendall("late\n");
  CHECK(pair.server.recv(16) == "late\n");
}

TEST_CASE("a drain is EOF between two messages") {
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  pair.client.sendall("in time\n");
  pair.wires.first->drain();
  CHECK(pair.server.recv(100) == "in time\n");
  CHECK(pair.server.recv(100).empty());
  CHECK(pair.server.end_is_local());
  pair.server.sendall("the answer\n");
  CHECK(pair.client.recv(100) == "the answer\n");
}

TEST_CASE("a drain before the handshake is EOF for a reader, and an error for the handshake") {
  TlsPair pair;
  pair.server.drain();
  CHECK(pair.server.handshake(Deadline::after(kTlsBound)).error == TlsError::drained);
  CHECK(pair.server.recv(100).empty());
  CHECK(pair.server.end_is_local());
}

TEST_CASE("a drain does not cut a record, of which the rest may come") {
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  constexpr std::size_t kPart = 9;  // the header, and some of the body
  pair.held.hold_after(kPart);
  pair.client_held.keep_after(kPart);
  pair.client.sendall("later\n");
  auto late = std::async(std::launch::async, [&pair] { return pair.server.recv(100); });
  REQUIRE(pair.held.wait_until_held());  // for the rest of the record
  pair.server.drain();
  pair.held.release();
  pair.client_held.send_kept();
  CHECK(late.get() == "later\n");
  CHECK(pair.held.last_wait() == Wait::more);
  CHECK(pair.server.recv(100).empty());
  CHECK(pair.server.end_is_local());
}

TEST_CASE("what arrived in one read with a record's beginning is read before a drain ends the wait") {
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  pair.client.sendall("one\n");
  pair.client.sendall("two\n");
  pair.server.drain();
  CHECK(pair.server.recv(4) == "one\n");
  CHECK(pair.server.recv(4) == "two\n");
  CHECK(pair.server.recv(4).empty());
}

TEST_CASE("a record that was tampered with ends the connection, and the peer gets an alert") {
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  pair.wires.second->sendall(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  CHECK_THROWS_WITH(pair.server.recv(100), ContainsText("bad record mac"));
  CHECK_THROWS_WITH(pair.client.recv(100), ContainsText("alert bad record mac"));
}

TEST_CASE("end_session sends close_notify and leaves the stream below open") {
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  CHECK_FALSE(pair.server.end_session(Deadline::after(kTlsBound)).error);
  CHECK_FALSE(pair.server.end_session(Deadline::after(kTlsBound)).error);
  CHECK(pair.client.recv(100).empty());
  pair.wires.first->sendall("below");  // which is still possible
  pair.client.shutdown(ShutdownHow::write);
  CHECK(pair.server.recv(100).empty());
  CHECK_THROWS_AS(pair.server.sendall("more"), StreamError);
}

TEST_CASE("close says close_notify, and destruction without it does not") {
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  pair.client.close();
  CHECK(pair.server.recv(100).empty());
  auto wires = MemoryStream::pair();
  MemoryStream& kept = *wires.first;
  TlsStream server(kept, TlsContext::server(server_options()));
  server.settimeout(kTlsBound);
  auto at_server = std::async(std::launch::async, [&server] {
    std::array<std::byte, 8> into{};
    return server.try_recv(into).error;
  });
  {
    TlsStream client(std::move(wires.second), TlsContext::client(client_options()));
    REQUIRE_FALSE(client.handshake(Deadline::after(kTlsBound)).error);
  }
  CHECK(at_server.get() == TlsError::truncated);
}

TEST_CASE("a message that is begun without a wait is finished before the next one") {
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  const std::string message(100000, 'm');
  socketserver::detail::PartialSend sending(pair.server);
  const IoResult begun = sending.begin(std::as_bytes(std::span(message)));
  CHECK_FALSE(begun.error);
  CHECK(begun.bytes == message.size());
  CHECK(read_exactly(pair.client, message.size()) == message);
}
