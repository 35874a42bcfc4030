#pragma once
// What a TlsContext has, for this folder.

#include <mutex>
#include <socketserver/tls/openssl.hpp>
#include <socketserver/tls/tls_context.hpp>
#include <string>
#include <utility>
#include <vector>

namespace socketserver {

/// Immutable once it is made, but for a client's last session.
struct TlsContext::State {
  /// One certificate and what OpenSSL serves it with.
  struct Served {
    detail::SslContextPtr context;
    detail::X509Ptr certificate;  // null for a client without one
  };

  bool is_server = false;
  std::vector<Served> served;  // the first is the default; a client has one
  std::vector<std::string> warnings;
  std::string alpn;  // as it is on the wire: each with its length before it
  std::shared_ptr<TlsTicketKeys> ticket_keys;
  std::string server_name;
  bool resumes = false;

  /// The last session of a client that can be resumed, and the server's name that it is with.
  struct LastSession {
    std::mutex mutex;
    std::string server_name;
    detail::SslSessionPtr session;
  };
  mutable LastSession last;
};

namespace detail {

/// @returns a new connection of the context, which outlives it, for its role, with the session of before if there is
/// one. @param server_name  of a client: what is verified and sent.
SslPtr new_connection(const TlsContext::State& context, const std::string& server_name);

}  // namespace detail
}  // namespace socketserver
