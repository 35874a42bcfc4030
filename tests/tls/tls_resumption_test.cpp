#include <socketserver/tls/tls_ticket_keys.hpp>

#include "support/catch.hpp"
#include "support/tls_pair.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using namespace testing_support;

namespace {

/// Connects once, so that the client has tickets to read. @returns whether the session was resumed.
bool resumes(const TlsContext& server, const TlsContext& client) {
  TlsPair pair(server, client);
  const auto results = pair.handshake();
  REQUIRE_FALSE(results.server.error);
  REQUIRE_FALSE(results.client.error);
  pair.server.sendall("x");
  CHECK(pair.client.recv(1) == "x");  // after the tickets
  CHECK(pair.client.info().resumed == pair.server.info().resumed);
  return pair.server.info().resumed;
}

TlsServerOptions with_keys(std::shared_ptr<TlsTicketKeys> keys) {
  TlsServerOptions options = server_options();
  options.ticket_keys = std::move(keys);
  return options;
}

}  // namespace

TEST_CASE("a client's next connection resumes its session, where there are tickets") {
  const TlsContext server = TlsContext::server(server_options());
  const TlsContext client = TlsContext::client(client_options());
  CHECK_FALSE(resumes(server, client));
  CHECK(resumes(server, client));
  CHECK(resumes(server, client));
  TlsServerOptions none = server_options();
  none.session_tickets = false;
  const TlsContext without = TlsContext::server(none);
  const TlsContext fresh = TlsContext::client(client_options());
  CHECK_FALSE(resumes(without, fresh));
  CHECK_FALSE(resumes(without, fresh));
}

TEST_CASE("a session with a client certificate keeps it when it is resumed") {
  TlsServerOptions options = server_options();
  options.client_ca = authority().certificate();
  options.client_certificate = ClientCertificate::require;
  TlsClientOptions with = client_options();
  with.certificate = authority().client("worker-7");
  const TlsContext server = TlsContext::server(options);
  const TlsContext client = TlsContext::client(with);
  CHECK_FALSE(resumes(server, client));
  TlsPair pair(server, client);
  REQUIRE_FALSE(pair.handshake().server.error);
  CHECK(pair.server.info().resumed);
  CHECK(pair.server.info().peer_certificate.value().subject == "CN=worker-7");
}

TEST_CASE("tickets survive one change of keys, and not two") {
  const auto keys = std::make_shared<TlsTicketKeys>();
  const TlsContext server = TlsContext::server(with_keys(keys));
  const TlsContext client = TlsContext::client(client_options());
  CHECK_FALSE(resumes(server, client));
  keys->rotate();
  CHECK(resumes(server, client));
  keys->rotate();
  keys->rotate();
  CHECK_FALSE(resumes(server, client));
}

TEST_CASE("keys change by themselves after their interval") {
  ManualClock clock;
  const auto keys = std::make_shared<TlsTicketKeys>(1h, clock);
  const TlsContext server = TlsContext::server(with_keys(keys));
  const TlsContext client = TlsContext::client(client_options());
  CHECK_FALSE(resumes(server, client));
  clock.advance(1h);
  CHECK(resumes(server, client));
  clock.advance(2h);
  CHECK_FALSE(resumes(server, client));
}

TEST_CASE("tickets survive a new context with the same keys, and no other") {
  const auto keys = std::make_shared<TlsTicketKeys>();
  const TlsContext client = TlsContext::client(client_options());
  CHECK_FALSE(resumes(TlsContext::server(with_keys(keys)), client));
  CHECK(resumes(TlsContext::server(with_keys(keys)), client));
  CHECK_FALSE(resumes(TlsContext::server(server_options()), client));
}

TEST_CASE(
    "a ticket does not let a client in that other authorities, or a stricter server, would ask for a certificate") {
  TlsServerOptions before = with_keys(std::make_shared<TlsTicketKeys>());
  TlsClientOptions with = client_options();
  SECTION("the authorities have changed") {
    before.client_ca = authority().certificate();
    before.client_certificate = ClientCertificate::require;
    with.certificate = authority().client("worker-7");
  }
  SECTION("certificates were not required") {}
  const TlsContext client = TlsContext::client(with);
  CHECK_FALSE(resumes(TlsContext::server(before), client));
  CHECK(resumes(TlsContext::server(before), client));
  TlsServerOptions after = before;
  after.client_ca = socketserver::testing::TestAuthority().certificate();
  after.client_certificate = ClientCertificate::require;
  TlsPair pair(TlsContext::server(after), client);
  CHECK(tls_failure(pair.handshake().server.error) == TlsFailure::client_certificate);
}
