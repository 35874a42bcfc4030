// TLS listeners and clients that get no handshake: how each is counted, and what it is sent.

#include <socketserver/client/tls_connect.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/server/tcp_server.hpp>
#include <socketserver/testing/certificates.hpp>
#include <socketserver/testing/proxy_header.hpp>

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

using UpperServer = TCPServer<UpperCaseHandler>;

ServerConfig with_tls(TestPolicy policy) {
  static const TestAuthority authority;
  ServerConfig config = local_config(policy);
  config.listen[0].tls = true;
  config.tls.certificates = {authority.server({"server.test"})};
  return config;
}

}  // namespace

TEST_CASE("plain text behind a PROXY header in one segment is counted as no TLS") {
  const auto policy = GENERATE(from_range(kPolicies));
  ServerConfig config = with_tls(policy);
  config.listen[0].proxy_protocol = true;
  config.proxy.trusted = {"127.0.0.1"};
  RunningServer<UpperServer> running(config);
  Client plain(running.address());
  plain.send(socketserver::testing::proxy_v1("203.0.113.7", 7) + "GET / HTTP/1.0\r\n\r\n");
  CHECK(plain.ends());
  const ServerStats stats = ended(running.server, 1);
  CHECK(stats.tls.not_tls == 1);
  CHECK(stats.failed == 1);
}

TEST_CASE("a client that says nothing until the handshake clock ends is counted as a handshake under every policy") {
  const auto policy = GENERATE(from_range(kPolicies));
  ServerConfig config = with_tls(policy);
  config.timeouts.handshake = 50ms;
  RunningServer<UpperServer> running(config);
  Client silent(running.address());
  CHECK(silent.ends());
  const ServerStats stats = ended(running.server, 1);
  CHECK(stats.timed_out == 1);
  CHECK(stats.tls.timed_out == 1);
}

TEST_CASE("a proxy that sends no header until the handshake clock ends is counted under every policy") {
  const auto policy = GENERATE(from_range(kPolicies));
  ServerConfig config = local_config(policy);
  config.listen[0].proxy_protocol = true;
  config.proxy.trusted = {"127.0.0.1"};
  config.timeouts.handshake = 50ms;
  RunningServer<UpperServer> running(config);
  Client silent(running.address());
  CHECK(silent.ends());
  const ServerStats stats = ended(running.server, 1);
  CHECK(stats.timed_out == 1);
  CHECK(stats.proxy_invalid == 1);
}

TEST_CASE("a client that is rejected on a TLS listener gets no plain text") {
  ServerConfig config = with_tls(PolicyKind::thread);
  config.limits.max_connections = 1;
  config.concurrency.overflow = Overflow::reject;
  config.concurrency.reject_message = "busy\n";
  RunningServer<UpperServer> running(config);
  const Client first(running.address());
  REQUIRE(eventually([&] { return running.server.stats().active == 1; }));
  Client second(running.address());
  CHECK(second.recv_all().empty());
  CHECK(eventually([&] { return running.server.stats().rejected == 1; }));
}
