// TLS on a server: the same handlers, under every policy.

#include <array>
#include <cstddef>
#include <future>
#include <socketserver/client/tls_connect.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/io/reader.hpp>
#include <socketserver/server/tcp_server.hpp>
#include <socketserver/testing/certificates.hpp>
#include <socketserver/testing/proxy_header.hpp>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/ended.hpp"
#include "support/eventually.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using namespace testing_support;
using socketserver::testing::TestAuthority;

namespace {

const TestAuthority& authority() {
  static const TestAuthority one;
  return one;
}

ServerConfig tls_config(TestPolicy policy) {
  ServerConfig config = local_config(policy);
  config.listen[0].tls = true;
  config.tls.certificates = {authority().server({"server.test"})};
  return config;
}

TlsClientOptions trusting() { return {.ca = authority().certificate(), .server_name = "server.test"}; }

TlsStream connect(const BaseServer& server, const TlsClientOptions& options = trusting()) {
  return create_tls_connection("127.0.0.1", server.server_address().port(), options,
                               {.connect_timeout = 10s, .io_timeout = 10s});
}

std::string ask(Stream& stream, const std::string& line) {
  stream.sendall(line);
  return std::string(Reader(stream).readline().value_or(""));
}

using UpperServer = TCPServer<UpperCaseHandler>;

/// Answers a line with what the handshake has agreed on.
class InfoHandler : public StreamRequestHandler {
 protected:
  void handle() override {
    while (rfile().readline()) {
      const auto tls = connection().tls();
      wfile() << (tls ? tls->version + " " + tls->server_name + " " + tls->alpn + " " +
                            (tls->peer_certificate ? tls->peer_certificate->subject : "-")
                      : "plain")
              << " " << client_address().host() << "\n";
    }
  }
};

}  // namespace

TEST_CASE("the same handler serves over TLS under every policy") {
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<UpperServer> running(tls_config(policy));
  for (int i = 0; i < 3; ++i) {
    TlsStream client = connect(running.server);
    CHECK(ask(client, "hello\n") == "HELLO\n");
    CHECK(ask(client, std::string(50000, 'x') + "\n") == std::string(50000, 'X') + "\n");
    client.shutdown(ShutdownHow::write);
    CHECK(client.recv(1).empty());  // close_notify, not a truncation
  }
  const ServerStats stats = ended(running.server, 3);
  CHECK(stats.served == 3);
  CHECK(stats.tls.handshakes == 3);
}

TEST_CASE("what is no TLS costs its connection, and is counted by its reason") {
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<UpperServer> running(tls_config(policy));
  {
    Client plain(running.address());
    plain.send("GET / HTTP/1.0\r\n\r\n");
    CHECK(plain.ends());
  }
  {
    Client broken_off(running.address());
    broken_off.send("\x16\x03\x01");
    broken_off.half_close();
    CHECK(broken_off.ends());
  }
  { const Client connects_only(running.address()); }
  const ServerStats stats = ended(running.server, 3);
  CHECK(stats.tls.not_tls == 1);
  CHECK(stats.tls.closed == 1);
  CHECK(stats.failed == 2);
  CHECK(stats.served == 1);
}

TEST_CASE("a byte of plain text is enough to end a handshake, before its clock") {
  ServerConfig config = tls_config(PolicyKind::fiber);
  config.timeouts.handshake.reset();
  RunningServer<UpperServer> running(config);
  Client plain(running.address());
  plain.send("x");
  CHECK(plain.ends());
  CHECK(ended(running.server, 1).tls.not_tls == 1);
}

TEST_CASE("a handshake that stalls ends at its own clock and holds up no other client") {
  const auto policy = GENERATE(from_range(kConcurrentPolicies));
  ServerConfig config = tls_config(policy);
  config.timeouts.handshake = 300ms;
  config.timeouts.idle = config.timeouts.read = 1h;
  RunningServer<UpperServer> running(config);
  Client silent(running.address());
  Client half(running.address());
  half.send("\x16\x03\x01\x02");
  TlsStream client = connect(running.server);
  CHECK(ask(client, "hello\n") == "HELLO\n");
  CHECK(silent.ends());
  CHECK(half.ends());
  REQUIRE(eventually([&] { return running.server.stats().timed_out == 2; }));
  CHECK(ask(client, "still here\n") == "STILL HERE\n");
}

TEST_CASE("a truncated line never reaches a handler as a line's end") {
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<UpperServer> running(tls_config(policy));
  SocketStream socket = create_connection("127.0.0.1", running.address().port(), {.io_timeout = 10s});
  TlsStream client(socket, TlsContext::client(trusting()));
  client.sendall("pay 100 to");
  socket.shutdown(ShutdownHow::write);  // FIN without close_notify, in the middle of a line
  std::array<std::byte, 100> answer{};
  CHECK(client.try_recv(answer).bytes == 0);
  client.close();
  const ServerStats stats = ended(running.server, 1);
  CHECK(stats.failed == 1);
  CHECK(stats.served == 0);
}

TEST_CASE("a drain lets a request over TLS end and its client see a clean end") {
  const auto policy = GENERATE(from_range(kConcurrentPolicies));
  RunningServer<UpperServer> running(tls_config(policy));
  TlsStream idle = connect(running.server);
  CHECK(ask(idle, "a\n") == "A\n");
  TlsStream busy = connect(running.server);
  CHECK(ask(busy, "b\n") == "B\n");
  busy.sendall("half a ");
  auto stopping = std::async(std::launch::async, [&] { return running.stop(); });
  CHECK(idle.recv(1).empty());  // close_notify
  busy.sendall("line\n");
  CHECK(Reader(busy).readline() == "HALF A LINE\n");
  CHECK(busy.recv(1).empty());
  CHECK(stopping.get().forced == 0);
  CHECK(running.server.stats().served == 2);
}

TEST_CASE("a stop ends handshakes that have not begun") {
  const auto policy = GENERATE(from_range(kConcurrentPolicies));
  ServerConfig config = tls_config(policy);
  config.timeouts.handshake.reset();
  config.timeouts.drain.reset();
  RunningServer<UpperServer> running(config);
  Client silent(running.address());
  REQUIRE(eventually([&] { return running.server.stats().active == 1; }));
  CHECK(running.stop().drained == 1);
  CHECK(silent.ends());
}

TEST_CASE("a handler sees what the handshake has agreed on") {
  const auto policy = GENERATE(from_range(kPolicies));
  ServerConfig config = tls_config(policy);
  config.tls.certificates.push_back(authority().server({"other.test"}));
  config.tls.client_ca = authority().certificate();
  config.tls.client_certificate = ClientCertificate::request;
  config.tls.alpn = {"line/2", "line/1"};
  RunningServer<TCPServer<InfoHandler>> running(config);
  {
    TlsStream anonymous = connect(running.server);
    CHECK(ask(anonymous, "?\n") == "TLSv1.3 server.test  - 127.0.0.1\n");
  }
  TlsClientOptions options = trusting();
  options.server_name = "other.test";
  options.alpn = {"line/1"};
  options.certificate = authority().client("worker-7");
  TlsStream known = connect(running.server, options);
  CHECK(ask(known, "?\n") == "TLSv1.3 other.test line/1 CN=worker-7 127.0.0.1\n");
}

TEST_CASE("a client without a certificate is refused where one is required, and counted") {
  ServerConfig config = tls_config(PolicyKind::fiber);
  config.tls.client_ca = authority().certificate();
  config.tls.client_certificate = ClientCertificate::require;
  RunningServer<UpperServer> running(config);
  TlsStream client = connect(running.server);  // in TLS 1.3 the refusal comes after the client's own end
  CHECK_THROWS_AS(ask(client, "hello\n"), StreamError);
  CHECK(ended(running.server, 1).tls.client_certificate == 1);
}

TEST_CASE("a PROXY header comes before TLS, in one segment with it or not") {
  const auto policy = GENERATE(from_range(kPolicies));
  ServerConfig config = tls_config(policy);
  config.listen[0].proxy_protocol = true;
  config.proxy.trusted = {"127.0.0.1"};
  RunningServer<TCPServer<InfoHandler>> running(config);
  auto socket = std::unique_ptr<SocketStream>(
      new SocketStream(create_connection("127.0.0.1", running.address().port(), {.io_timeout = 10s})));
  socket->sendall(socketserver::testing::proxy_v2("203.0.113.7", 7));
  TlsStream client(std::move(socket), TlsContext::client(trusting()));
  CHECK(ask(client, "?\n") == "TLSv1.3 server.test  - 203.0.113.7\n");
}

TEST_CASE("a session that a client brings again is resumed") {
  RunningServer<UpperServer> running(tls_config(PolicyKind::fiber));
  const TlsContext context = TlsContext::client(trusting());
  for (int i = 0; i < 2; ++i) {
    TlsStream client = create_tls_connection("127.0.0.1", running.address().port(), context, {.io_timeout = 10s});
    CHECK(ask(client, "a\n") == "A\n");
    client.close();
  }
  const ServerStats stats = ended(running.server, 2);
  CHECK(stats.tls.handshakes == 2);
  CHECK(stats.tls.resumed == 1);
}

TEST_CASE("a certificate that cannot be used is an error that names it, before anything is bound") {
  ServerConfig config = tls_config(PolicyKind::fiber);
  config.tls.certificates[0].key = authority().server({"server.test"}).key;
  CHECK_THROWS_AS(UpperServer(config), TlsContextError);
  config.tls.certificates = {{"/nonexistent/chain.pem", "/nonexistent/key.pem"}};
  CHECK_THROWS_WITH(UpperServer(config), Catch::Matchers::Contains("/nonexistent/"));
  config.tls.certificates.clear();
  CHECK_THROWS_WITH(UpperServer(config), Catch::Matchers::Contains("/tls/certificates"));
}
