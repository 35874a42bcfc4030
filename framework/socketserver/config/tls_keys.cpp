#include <socketserver/config/tls_keys.hpp>

#include <socketserver/config/key_rows.hpp>

namespace socketserver::detail {
namespace {

using namespace keys;

constexpr std::string_view kTls = "tls";
constexpr std::string_view kProtocol = R"(^[^\u0000]{1,255}$)";

/// A string may be null: it is empty then, and the system's default.
Json get_ciphers(const ServerConfig& config) { return config.tls.ciphers.empty() ? Json() : Json(config.tls.ciphers); }
void set_ciphers(ServerConfig& config, const Json& value) {
  config.tls.ciphers = value.is_null() ? "" : without_nul(value);
}
Json get_client_ca(const ServerConfig& config) {
  return config.tls.client_ca ? Json(config.tls.client_ca->name()) : Json();
}
void set_client_ca(ServerConfig& config, const Json& value) {
  config.tls.client_ca.reset();
  if (!value.is_null()) config.tls.client_ca = checked_path(value);
}
Json get_certificates(const ServerConfig& config) {
  Json out = Json::array();
  for (const TlsCertificate& each : config.tls.certificates) {
    out.push_back({{"chain", each.chain.name()}, {"key", each.key.name()}});
  }
  return out;
}
void set_certificates(ServerConfig& config, const Json& value) {
  config.tls.certificates.clear();
  for (const Json& each : value) {
    config.tls.certificates.push_back({checked_path(each.at("chain")), checked_path(each.at("key"))});
  }
}

}  // namespace

std::vector<Key> tls_keys() {
  constexpr auto tls = &ServerConfig::tls;
  using Alpn = Member<tls, &TlsServerOptions::alpn>;
  return {
      special(kTls, "certificates", KeyType::certificates, false,
              "The PEM files of each certificate; the client's server name chooses, the first is the default.",
              get_certificates, set_certificates, kPath),
      special(kTls, "client_ca", KeyType::text, true,
              "The PEM file of the authorities that clients' certificates are verified by.", get_client_ca,
              set_client_ca, kPath),
      choice<tls, &TlsServerOptions::client_certificate>(
          kTls, "client_certificate", choices_of(kClientCertificates),
          "Whether a client is asked for a certificate, and refused without one."),
      choice<tls, &TlsServerOptions::min_version>(kTls, "min_version", choices_of(kTlsVersions),
                                                  "The oldest version of TLS that is spoken."),
      special(kTls, "ciphers", KeyType::text, true,
              "OpenSSL's names of the cipher suites, with ':' between them; null is Mozilla's intermediate set.",
              get_ciphers, set_ciphers, kNoNul),
      special(kTls, "alpn", KeyType::texts, false,
              "The application protocols, best first; a client that offers only others is refused. If empty, none is "
              "agreed on.",
              Alpn::get, Alpn::set, kProtocol),
      boolean<tls, &TlsServerOptions::session_tickets>(
          kTls, "session_tickets", "Whether a client may resume its session, which saves most of a handshake's cost."),
  };
}

}  // namespace socketserver::detail
