// The PROXY protocol and /access on a server: under every policy.

#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/server/tcp_server.hpp>
#include <socketserver/testing/proxy_header.hpp>
#include <string>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/ended.hpp"
#include "support/eventually.hpp"
#include "support/running_server.hpp"
#include "support/temporary_folder.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using namespace testing_support;
using socketserver::testing::proxy_v1;
using socketserver::testing::proxy_v2;
using socketserver::testing::proxy_v2_local;

namespace {

/// Answers each line with the client's address and the line.
class WhoHandler : public StreamRequestHandler {
 protected:
  void handle() override {
    while (auto line = rfile().readline()) {
      const std::string authority = connection().proxy() == nullptr || connection().proxy()->tlv(2) == nullptr
                                        ? ""
                                        : " " + *connection().proxy()->tlv(2);
      wfile() << client_address().to_string() << authority << " " << *line;
    }
  }
};

using WhoServer = TCPServer<WhoHandler>;

ServerConfig proxied(TestPolicy policy) {
  ServerConfig config = local_config(policy);
  config.listen[0].proxy_protocol = true;
  config.proxy.trusted = {"127.0.0.1"};
  return config;
}

}  // namespace

TEST_CASE("a handler sees the client that a trusted proxy names, under every policy") {
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<WhoServer> running(proxied(policy));
  const SocketAddress address = running.server.server_address();
  {
    Client v1(address);
    CHECK(v1.ask(proxy_v1("203.0.113.7", 7) + "a\n") == "203.0.113.7:7 a\n");  // in one segment with the request
    CHECK(v1.ask("b\n") == "203.0.113.7:7 b\n");
  }
  {
    Client v2(address);
    v2.send(proxy_v2("2001:db8::7", 7, "2001:db8::1", 1, {{2, "example.org"}}));
    CHECK(v2.ask("a\n") == "[2001:db8::7]:7 example.org a\n");
  }
  {
    Client unknown(address);
    unknown.send("PROXY UNKNOWN\r\n");
    CHECK(unknown.ask("a\n").starts_with("127.0.0.1:"));
  }
  CHECK(ended(running.server, 3).served == 3);
}

TEST_CASE("a header may come byte by byte, and what follows is the request") {
  RunningServer<WhoServer> running(proxied(PolicyKind::fiber));
  Client client(running.server.server_address());
  for (const char byte : proxy_v2("203.0.113.7", 7)) client.send(std::string(1, byte));
  CHECK(client.ask("a\n") == "203.0.113.7:7 a\n");
}

TEST_CASE("a proxy's own connection is served, counted apart and not logged") {
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<WhoServer> running(proxied(policy));
  {
    Client check(running.server.server_address());
    check.send(proxy_v2_local());
    CHECK(check.ask("a\n").starts_with("127.0.0.1:"));
  }
  {
    Client check(running.server.server_address());
    check.send(proxy_v2_local() + "half a line");
    check.reset();
  }
  const ServerStats stats = ended(running.server, 2);
  CHECK(stats.served == 2);
  CHECK(stats.proxy_probes == 2);
}

TEST_CASE("what does not begin with a header is closed and counted") {
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<WhoServer> running(proxied(policy));
  const SocketAddress address = running.server.server_address();
  {
    Client plain(address);
    plain.send("hello\n");
    CHECK(plain.recv_all().empty());
  }
  {
    Client half(address);
    half.send("PROXY TC");
    half.half_close();
    CHECK(half.recv_all().empty());
  }
  { const Client connects_only(address); }
  const ServerStats stats = ended(running.server, 3);
  CHECK(stats.failed == 2);
  CHECK(stats.served == 1);
  CHECK(stats.proxy_invalid == 2);
}

TEST_CASE("a header that does not come ends its connection at the handshake clock, however long the other clocks") {
  const auto policy = GENERATE(from_range(kPolicies));
  ServerConfig config = proxied(policy);
  config.timeouts.handshake = 50ms;
  config.timeouts.idle = config.timeouts.read = 1h;
  RunningServer<WhoServer> running(config);
  {
    Client silent(running.server.server_address());
    CHECK(silent.recv_all().empty());
  }
  {
    Client slow(running.server.server_address());
    slow.send("PROXY TCP4 ");
    CHECK(slow.recv_all().empty());
  }
  const ServerStats stats = ended(running.server, 2);
  CHECK(stats.timed_out == 2);
  CHECK(stats.proxy_invalid >= 1);
}

TEST_CASE("a stop ends the wait for a header") {
  const auto policy = GENERATE(from_range(kConcurrentPolicies));
  ServerConfig config = proxied(policy);
  config.timeouts.handshake.reset();
  config.timeouts.drain.reset();
  RunningServer<WhoServer> running(config);
  Client silent(running.server.server_address());
  REQUIRE(eventually([&] { return running.server.stats().active == 1; }));
  CHECK(running.stop().drained == 1);
  CHECK(silent.recv_all().empty());
}

TEST_CASE("a connection from no trusted network is closed unread and counted") {
  ServerConfig config = proxied(PolicyKind::fiber);
  config.proxy.trusted = {"192.0.2.0/24", "unix"};
  RunningServer<WhoServer> running(config);
  Client client(running.server.server_address());
  CHECK(client.ends());
  const ServerStats stats = ended(running.server, 1);
  CHECK(stats.rejected == 1);
  CHECK(stats.proxy_untrusted == 1);
}

TEST_CASE("a server that expects PROXY headers needs to know from where") {
  ServerConfig config = proxied(PolicyKind::fiber);
  config.proxy.trusted.clear();
  CHECK_THROWS_WITH(WhoServer(config), Catch::Matchers::Contains("/proxy/trusted"));
}

TEST_CASE("/access refuses by the client's address, that of the proxy does not matter") {
  const auto policy = GENERATE(from_range(kPolicies));
  ServerConfig config = proxied(policy);
  config.access.deny = {"203.0.113.0/24", "127.0.0.0/8"};
  RunningServer<WhoServer> running(config);
  {
    Client denied(running.server.server_address());
    denied.send(proxy_v1("203.0.113.7", 7));
    CHECK(denied.recv_all().empty());
  }
  {
    Client other(running.server.server_address());
    CHECK(other.ask(proxy_v1("198.51.100.7", 7) + "a\n") == "198.51.100.7:7 a\n");
  }
  const ServerStats stats = ended(running.server, 2);
  CHECK(stats.access_refused == 1);
  CHECK(stats.rejected == 1);
  CHECK(stats.served == 1);
}

TEST_CASE("a client has as many connections as it may, and gets places back as they end, under every policy") {
  const auto policy = GENERATE(from_range(kConcurrentPolicies));
  const bool through_proxy = GENERATE(false, true);
  ServerConfig config = through_proxy ? proxied(policy) : local_config(policy);
  config.access.max_connections_per_client = 2;
  RunningServer<WhoServer> running(config);
  const SocketAddress address = running.server.server_address();
  const std::string header = through_proxy ? proxy_v2("203.0.113.7", 7) : "";
  Client first(address);
  CHECK(first.ask(header + "a\n").ends_with(" a\n"));
  {
    Client second(address);
    CHECK(second.ask(header + "b\n").ends_with(" b\n"));
    Client third(address);
    if (through_proxy) third.send(header);
    CHECK(third.ends());
    CHECK(first.ask("c\n").ends_with(" c\n"));
  }
  REQUIRE(eventually([&] { return running.server.stats().active == 1; }));
  Client fourth(address);
  CHECK(fourth.ask(header + "d\n").ends_with(" d\n"));
  CHECK(running.server.stats().access_refused == 1);
}

TEST_CASE("of two listeners one takes PROXY headers and the other does not, under every policy") {
  ServerConfig config = proxied(GENERATE(from_range(kConcurrentPolicies)));
  config.listen.push_back(config.listen.front());
  config.listen[1].proxy_protocol = false;
  RunningServer<WhoServer> running(config);
  Client proxied_client(running.server.server_addresses()[0]);
  CHECK(proxied_client.ask(proxy_v1("203.0.113.7", 7) + "a\n") == "203.0.113.7:7 a\n");
  Client direct(running.server.server_addresses()[1]);
  CHECK(direct.ask("a\n") == local_address(direct.native_handle()).to_string() + " a\n");
}

TEST_CASE("a proxy may come by a Unix socket, and /access counts only the client that it names") {
  const TemporaryFolder folder;
  ServerConfig config = local_config(GENERATE(from_range(kConcurrentPolicies)));
  config.listen = {{.proxy_protocol = true, .path = folder / "s"}, {.path = folder / "direct"}};
  config.proxy.trusted = {"unix"};
  config.access.max_connections_per_client = 1;
  RunningServer<WhoServer> running(config);
  Client first(running.address());
  CHECK(first.ask(proxy_v1("203.0.113.7", 7) + "a\n") == "203.0.113.7:7 a\n");
  Client other(running.address());
  CHECK(other.ask(proxy_v1("203.0.113.8", 7) + "a\n") == "203.0.113.8:7 a\n");
  Client again(running.address());
  again.send(proxy_v1("203.0.113.7", 8) + "a\n");
  CHECK(again.recv_all().empty());
  for (int i = 0; i < 2; ++i) CHECK(Client(running.server.server_addresses()[1]).ask("a\n") == "unix: a\n");
}

TEST_CASE("a Unix socket is a network as others: \"unix\" allows it, denies it and trusts it as a proxy") {
  const TemporaryFolder folder;
  ServerConfig config = local_config(PolicyKind::fiber);
  config.listen = {{.proxy_protocol = true, .path = folder / "proxied"}, {.path = folder / "direct"}};
  config.proxy.trusted = {"127.0.0.1"};
  config.access.allow = {"127.0.0.1"};
  {
    RunningServer<WhoServer> strict(config);
    CHECK(Client(strict.server.server_addresses()[0]).ends());
    CHECK(Client(strict.server.server_addresses()[1]).ends());
    const ServerStats stats = ended(strict.server, 2);
    CHECK(stats.proxy_untrusted == 1);
    CHECK(stats.access_refused == 1);
  }
  config.access.allow.emplace_back("unix");
  RunningServer<WhoServer> running(config);
  CHECK(Client(running.server.server_addresses()[1]).ask("a\n") == "unix: a\n");
}
