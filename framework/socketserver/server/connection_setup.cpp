#include <socketserver/server/connection_setup.hpp>

#include <algorithm>
#include <memory>
#include <socketserver/base/text.hpp>
#include <socketserver/io/prefixed_stream.hpp>
#include <socketserver/tls/tls_error.hpp>
#include <utility>

namespace socketserver::detail {
namespace {

std::uint64_t TlsStats::*counter_of(TlsFailure failure) noexcept {
  switch (failure) {
    case TlsFailure::not_tls: return &TlsStats::not_tls;
    case TlsFailure::timed_out: return &TlsStats::timed_out;
    case TlsFailure::closed: return &TlsStats::closed;
    case TlsFailure::no_common_version: return &TlsStats::no_common_version;
    case TlsFailure::no_common_cipher: return &TlsStats::no_common_cipher;
    case TlsFailure::client_certificate: return &TlsStats::client_certificate;
    case TlsFailure::alpn: return &TlsStats::alpn;
    case TlsFailure::server_certificate:
    case TlsFailure::other: break;
  }
  return &TlsStats::other;
}

}  // namespace

bool ConnectionSetup::may_connect(AcceptedConnection& arrival) {
  const ListenOptions& listener = core_.config->listen[arrival.listener];
  const SocketAddress& peer = arrival.peer;
  if (listener.proxy_protocol) {
    if (contains(core_.config->proxy.trusted, peer)) return true;
    core_.connections.count_refused(&ServerStats::proxy_untrusted);
    log_refusal(peer, "is in no network of /proxy/trusted");
    return false;
  }
  const Access access = core_.access.enter(peer);
  arrival.entered = access == Access::granted;
  if (arrival.entered) return true;
  core_.connections.count_refused(&ServerStats::access_refused);
  log_refusal(peer, to_string(access));
  return false;
}

void ConnectionSetup::left(bool entered, const SocketAddress& client) noexcept {
  if (entered) core_.access.leave(client);
}

std::optional<Outcome> ConnectionSetup::prepare(Connection& connection) {
  if (!is_needed(connection)) return std::nullopt;
  const Deadline until = std::min(Deadline::after(connection.config->timeouts.handshake), connection.lifetime);
  if (connection.listener().proxy_protocol) {
    if (const auto outcome = read_proxy(connection, until)) return outcome;
  }
  return connection.listener().tls ? shake_hands(connection, until) : std::nullopt;
}

std::optional<Outcome> ConnectionSetup::read_proxy(Connection& connection, Deadline until) {
  ProxyRead read = read_proxy_header(connection.stream(), until);
  if (!read.complete) return no_header(connection, read);
  if (!read.rest.empty()) {
    connection.push_layer(std::make_unique<PrefixedStream>(connection.stream(), std::move(read.rest)));
  }
  return accept_proxied(connection, std::move(read.header));
}

std::optional<Outcome> ConnectionSetup::accept_proxied(Connection& connection, ProxyHeader header) {
  const bool probe = header.local;
  const SocketAddress client = header.source;
  core_.connections.announce(connection, std::move(header));
  if (probe || client.family() == AF_UNSPEC) return std::nullopt;
  const Access access = core_.access.enter(client);
  connection.entered = access == Access::granted;
  if (connection.entered) return std::nullopt;
  core_.connections.count(&ServerStats::access_refused);
  log_refusal(client, to_string(access));
  return Outcome::rejected;
}

/// A peer that ends the connection without a byte has asked for nothing, as a check that only connects.
Outcome ConnectionSetup::no_header(const Connection& connection, const ProxyRead& read) {
  const bool timed_out = read.result.error == std::errc::timed_out;
  if (read.result.bytes == 0 && !timed_out) return Outcome::served;
  core_.connections.count(&ServerStats::proxy_invalid);
  const std::string why = timed_out            ? "timed out"
                          : read.result.error  ? read.result.error.message()
                          : *read.problem != 0 ? read.problem
                                               : "the connection ended in it";
  core_.log_event(core_.budgets.network_lines, LogLevel::info,
                  concat(connection.request.client_address().to_string(), ": PROXY header: ", why));
  return timed_out ? Outcome::timed_out : Outcome::failed;
}

std::optional<Outcome> ConnectionSetup::shake_hands(Connection& connection, Deadline until) {
  const bool begun = !connection.layers.empty();  // by what came in one read with the PROXY header
  const std::uint64_t before = connection.transport.bytes_in();
  TlsStream& tls = connection.push_tls(core_.tls.context());
  if (const IoResult result = tls.handshake(until); result.error) {
    // As no_header(): a drain, or a peer that has said nothing.
    const bool asked = begun || connection.transport.bytes_in() > before || result.error == std::errc::timed_out;
    return asked ? no_session(connection, result.error) : Outcome::served;
  }
  core_.connections.count(&TlsStats::handshakes);
  if (tls.resumed()) core_.connections.count(&TlsStats::resumed);
  return std::nullopt;
}

Outcome ConnectionSetup::no_session(const Connection& connection, std::error_code error) {
  const TlsFailure reason = tls_failure(error);
  core_.connections.count(counter_of(reason));
  core_.log_event(core_.budgets.network_lines, LogLevel::info,
                  concat(connection.request.client_address().to_string(), ": TLS handshake (", to_string(reason),
                         "): ", error.message()));
  return reason == TlsFailure::timed_out ? Outcome::timed_out : Outcome::failed;
}

Outcome ConnectionSetup::nothing_came(const Connection& connection) {
  const std::error_code error = std::make_error_code(std::errc::timed_out);
  return connection.listener().proxy_protocol ? no_header(connection, {.result = {0, error}})
                                              : no_session(connection, error);
}

void ConnectionSetup::log_refusal(const SocketAddress& client, std::string_view why) {
  core_.log_event(core_.budgets.refused_lines, LogLevel::info, concat(client.to_string(), " refused: ", why));
}

}  // namespace socketserver::detail
