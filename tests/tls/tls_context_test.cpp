#include <socketserver/tls/tls_context.hpp>

#include <filesystem>

#include "support/catch.hpp"
#include "support/raw_tls_peer.hpp"
#include "support/tls_pair.hpp"

using namespace socketserver;
using namespace socketserver::testing;
using namespace std::chrono_literals;
using testing_support::authority;
using testing_support::client_options;
using testing_support::RawTlsPeer;
using testing_support::server_options;
using testing_support::TlsPair;

namespace {

/// @returns what a server with these options says against them; empty if it takes them.
std::string complaint(const TlsServerOptions& options) {
  try {
    (void)TlsContext::server(options);
  } catch (const TlsContextError& error) {
    return error.what();
  }
  return {};
}

std::string complaint(const TlsCertificate& certificate) { return complaint({.certificates = {certificate}}); }

TlsClientOptions client_for(const std::string& name) { return {.ca = authority().certificate(), .server_name = name}; }

std::string failure_of(const IoResult& result) { return result.error ? to_string(tls_failure(result.error)) : "none"; }

/// @returns the failures of both ends: "server/client".
std::string failures(const TlsServerOptions& server, const TlsClientOptions& client) {
  TlsPair pair(server, client);
  const auto results = pair.handshake();
  return failure_of(results.server) + "/" + failure_of(results.client);
}

}  // namespace

TEST_CASE("what is wrong with a certificate is said by its file") {
  const CertificateFiles files;
  const TlsCertificate good = files.write("good", authority().server({"localhost"}));
  const TlsCertificate other = files.write("other", authority().server({"localhost"}));
  const std::string text = files.write("notes.pem", Pem::text("no PEM here\n"));
  const std::string missing = (files.path() / "missing.pem").string();
  CHECK(complaint(good).empty());
  CHECK(complaint({missing, good.key}) == missing + ": No such file or directory");
  CHECK(complaint({files.path().string(), good.key}) == files.path().string() + ": is not a file");
  CHECK(complaint({text, good.key}) == text + ": has no certificate");
  CHECK(complaint({good.chain, text}) == text + ": has no private key");
  CHECK(complaint({good.chain, other.key}) ==
        other.key.name() + ": the key does not fit the certificate of " + good.chain.name());
  const std::string pem = authority().server({"localhost"}).chain.content();
  const std::string cut = files.write("cut.pem", Pem::text(pem.substr(0, pem.size() / 2)));
  CHECK_THAT(complaint({cut, good.key}), ContainsText(cut + ": is not valid PEM"));
}

TEST_CASE("options that cannot work are refused") {
  CHECK_THAT(complaint(TlsServerOptions{}), ContainsText("needs a certificate"));
  TlsServerOptions options = server_options();
  options.client_certificate = ClientCertificate::require;
  CHECK_THAT(complaint(options), ContainsText("client_ca"));
  options = server_options();
  options.ciphers = "NO-SUCH-CIPHER";
  CHECK_THAT(complaint(options), ContainsText("NO-SUCH-CIPHER"));
  options = server_options();
  options.alpn = {""};
  CHECK_THAT(complaint(options), ContainsText("1 to 255"));
  CHECK_THROWS_AS(TlsPair(server_options(), TlsClientOptions{.ca = authority().certificate()}), TlsContextError);
}

TEST_CASE("a certificate that is not valid now, and a key that others can read, are warnings") {
  const CertificateFiles files;
  const TlsCertificate fine = files.write("fine", authority().server({"localhost"}));
  CHECK(TlsContext::server({.certificates = {fine}}).warnings().empty());
  const TlsCertificate expired = authority().server({"localhost"}, {.from = -48h, .to = -24h});
  const auto of_expired = TlsContext::server({.certificates = {expired}}).warnings();
  REQUIRE(of_expired.size() == 1);
  CHECK_THAT(of_expired[0], ContainsText("localhost.pem: the certificate expired at 20"));
  const auto of_future =
      TlsContext::server({.certificates = {authority().server({"localhost"}, {.from = 24h, .to = 48h})}}).warnings();
  REQUIRE(of_future.size() == 1);
  CHECK_THAT(of_future[0], ContainsText("not valid before 20"));
  std::filesystem::permissions(fine.key.name(), std::filesystem::perms(0644));
  const auto of_key = TlsContext::server({.certificates = {fine}}).warnings();
  REQUIRE(of_key.size() == 1);
  CHECK_THAT(of_key[0], ContainsText(fine.key.name()));
}

TEST_CASE("the server name chooses the certificate, and the first is the default") {
  const TlsServerOptions options{.certificates = {authority().server({"first.example"}),
                                                  authority().server({"second.example", "*.wild.example"})}};
  const auto names = [&options](const std::string& name, bool verify) {
    TlsClientOptions client = client_for(name);
    client.verify = verify;
    TlsPair pair(options, client);
    REQUIRE_FALSE(pair.handshake().client.error);
    CHECK(pair.server.info().server_name == name);
    return pair.client.info().peer_certificate.value().names.at(0);
  };
  CHECK(names("first.example", true) == "DNS:first.example");
  CHECK(names("second.example", true) == "DNS:second.example");
  CHECK(names("a.wild.example", true) == "DNS:second.example");
  CHECK(names("unknown.example", false) == "DNS:first.example");
}

TEST_CASE("a client verifies the chain, the dates and the name") {
  const TestAuthority stranger("stranger");
  CHECK(failures(server_options(), client_options()) == "none/none");
  CHECK(failures(server_options(), client_for("127.0.0.1")) == "none/none");
  CHECK(failures(server_options(), client_for("127.0.0.2")) == "other/server_certificate");
  CHECK(failures(server_options(), client_for("example.com")) == "other/server_certificate");
  CHECK(failures({.certificates = {stranger.server({"localhost"})}}, client_options()) == "other/server_certificate");
  const TlsServerOptions expired{.certificates = {authority().server({"localhost"}, {.from = -48h, .to = -24h})}};
  CHECK(failures(expired, client_options()) == "other/server_certificate");
  TlsPair pair(expired, client_options());
  CHECK(pair.handshake().client.error.message() == "TLS: server certificate: certificate has expired");
}

TEST_CASE("clients' certificates: none, request, require") {
  const TestAuthority stranger;  // with the same name, so that only the signature is wrong
  TlsServerOptions server = server_options();
  server.client_ca = authority().certificate();
  TlsClientOptions known = client_options(), unknown = client_options();
  known.certificate = authority().client("worker-7");
  unknown.certificate = stranger.client("worker-7");
  server.client_certificate = ClientCertificate::request;
  CHECK(failures(server, client_options()) == "none/none");
  CHECK_THAT(failures(server, unknown), ContainsText("client_certificate/"));
  server.client_certificate = ClientCertificate::require;
  CHECK_THAT(failures(server, client_options()), ContainsText("client_certificate/"));
  CHECK_THAT(failures(server, unknown), ContainsText("client_certificate/"));
  TlsPair pair(server, known);
  REQUIRE_FALSE(pair.handshake().server.error);
  const PeerCertificate peer = pair.server.info().peer_certificate.value();
  CHECK(peer.subject == "CN=worker-7");
  CHECK(peer.names == std::vector<std::string>{"DNS:worker-7"});
  CHECK(peer.sha256.size() == 64);
  CHECK(peer.pem == known.certificate->chain.content());
  server.client_certificate = ClientCertificate::none;
  TlsPair anonymous(server, known);
  REQUIRE_FALSE(anonymous.handshake().server.error);
  CHECK_FALSE(anonymous.server.info().peer_certificate);
}

TEST_CASE("application protocols: the server's order, a refusal without overlap, silence for none") {
  TlsServerOptions server = server_options();
  server.alpn = {"b", "a"};
  TlsClientOptions client = client_options();
  client.alpn = {"a", "b"};
  TlsPair pair(server, client);
  REQUIRE_FALSE(pair.handshake().server.error);
  CHECK(pair.server.info().alpn == "b");
  CHECK(pair.client.info().alpn == "b");
  client.alpn = {"c"};
  CHECK(failures(server, client) == "alpn/alpn");
  CHECK(failures(server, client_options()) == "none/none");
}

TEST_CASE("versions and ciphers without an overlap have their reasons") {
  TlsServerOptions server = server_options();
  auto wires = MemoryStream::pair();
  TlsStream stream(*wires.first, TlsContext::server(server));
  auto at_server = std::async(std::launch::async, [&] {
    const IoResult result = stream.handshake(Deadline::after(testing_support::kTlsBound));
    stream.shutdown();
    return result;
  });
  RawTlsPeer old(*wires.second, TLS1_1_VERSION);
  CHECK_FALSE(old.handshake());
  CHECK_THAT(old.reason(), ContainsText("protocol version"));
  CHECK(failure_of(at_server.get()) == "no_common_version");
  server.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256";
  TlsClientOptions client = client_options();
  client.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:TLS_AES_256_GCM_SHA384";
  CHECK_THAT(failures(server, client), ContainsText("no_common_cipher/"));
  server.min_version = TlsVersion::v1_3;
  client = client_options();
  TlsPair newest(server, client);
  REQUIRE_FALSE(newest.handshake().server.error);
  CHECK(newest.server.info().cipher == "TLS_AES_128_GCM_SHA256");
}
