#pragma once
// What OpenSSL asks in the middle of a handshake. None of it waits.

#include <socketserver/tls/context_state.hpp>

namespace socketserver::detail {

/// The choice of a certificate by the client's server name, and of an application protocol if there are any.
void set_server_callbacks(SSL_CTX* context, bool has_protocols);
/// Has the context's state keep the last session that can be resumed.
void keep_sessions(SSL_CTX* context);

}  // namespace socketserver::detail
