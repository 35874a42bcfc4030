#include <socketserver/tls/tls_stream.hpp>

#include <thread>

#include "support/catch.hpp"
#include "support/tls_pair.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::TlsPair;

TEST_CASE("two ends agree on TLS 1.3, and each receives what the other sends") {
  TlsPair pair;
  const auto results = pair.handshake();
  REQUIRE(results.server.error.message() == "Success");
  REQUIRE(results.client.error.message() == "Success");
  CHECK(pair.server.established());
  CHECK(pair.server.info().version == "TLSv1.3");
  pair.client.sendall("hello\n");
  CHECK(pair.server.recv(100) == "hello\n");
  pair.server.sendall("HELLO\n");
  CHECK(pair.client.recv(100) == "HELLO\n");
  CHECK(pair.wires.first->written().find("HELLO") == std::string::npos);
}

TEST_CASE("the first read and the first send do the handshake") {
  TlsPair pair;
  std::thread client([&pair] { pair.client.sendall("hello\n"); });
  CHECK(pair.server.recv(100) == "hello\n");
  client.join();
  CHECK(pair.client.established());
}

TEST_CASE("close_notify is EOF for one direction only") {
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  pair.client.sendall("the last line\n");
  pair.client.shutdown(ShutdownHow::write);
  CHECK(pair.server.recv(100) == "the last line\n");
  CHECK(pair.server.recv(100).empty());
  CHECK_FALSE(pair.server.end_is_local());
  pair.server.sendall("the answer\n");
  CHECK(pair.client.recv(100) == "the answer\n");
  CHECK_THROWS_AS(pair.client.sendall("more"), StreamError);
}

TEST_CASE("an end without close_notify is a truncation, also later") {
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  pair.client.sendall("half a li");
  pair.wires.second->shutdown(ShutdownHow::write);
  CHECK(pair.server.recv(100) == "half a li");
  std::array<std::byte, 8> into{};
  CHECK(pair.server.try_recv(into).error == TlsError::truncated);
  CHECK(pair.server.try_recv(into).error == TlsError::truncated);
}
