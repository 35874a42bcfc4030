#pragma once
// What a connection goes through between its accept and its handler: access, the PROXY header and the TLS handshake.

#include <optional>
#include <socketserver/net/read_proxy_header.hpp>
#include <socketserver/server/server_core.hpp>
#include <string_view>

namespace socketserver::detail {

/// Threads: may_connect() the accept loop's, prepare() the one that runs the connection.
class ConnectionSetup {
 public:
  explicit ConnectionSetup(ServerCore& core) : core_(core) {}

  /// Counts a new connection of the peer; a proxy's client is counted when it is known. A refusal has been counted and
  /// logged. @throws std::bad_alloc.
  bool may_connect(AcceptedConnection& arrival);
  /// Ends what may_connect() and prepare() have counted.
  void left(bool entered, const SocketAddress& client) noexcept;
  /// Whether the peer has to send something before a handler can begin.
  static bool is_needed(const Connection& connection) noexcept {
    return connection.listener().proxy_protocol || connection.listener().tls;
  }
  /// Does all of it, within the handshake clock; may wait as long.
  /// @returns nullopt if the handler can begin, else how the connection has to end; that has been counted and logged.
  std::optional<Outcome> prepare(Connection& connection);
  /// In place of prepare(), where the handshake clock ran out before the first byte that it is_needed() for: counts and
  /// logs that.
  Outcome nothing_came(const Connection& connection);

 private:
  std::optional<Outcome> read_proxy(Connection& connection, Deadline until);
  std::optional<Outcome> accept_proxied(Connection& connection, ProxyHeader header);
  std::optional<Outcome> shake_hands(Connection& connection, Deadline until);
  Outcome no_session(const Connection& connection, std::error_code error);
  Outcome no_header(const Connection& connection, const ProxyRead& read);
  void log_refusal(const SocketAddress& client, std::string_view why);

  ServerCore& core_;
};

}  // namespace socketserver::detail
