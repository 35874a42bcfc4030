#pragma once
// Connecting to a TLS server: TCP, then the handshake, then a verified certificate, under one bound.

#include <cstdint>
#include <memory>
#include <socketserver/base/visibility.hpp>
#include <socketserver/net/connect.hpp>
#include <socketserver/tls/tls_stream.hpp>
#include <string_view>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Connects as create_connection() does, and has the handshake take place. The server's certificate has to be issued by
/// the system's authorities, or by those of the options, for the host or TlsClientOptions::server_name.
/// @param options  connect_timeout holds for all of it; io_timeout then for each wait of the stream.
/// @returns the stream, which owns its socket. To the server, destroying it without close() or shutdown() is a
///          truncation.
/// @throws TlsContextError  the options cannot be used.
/// @throws TimeoutError     the connect timeout is over.
/// @throws StreamError      no connection, or no handshake: what() gives the cause, as a certificate's, and the name
///                          that was expected; code() is for tls_failure().
/// Threads: any.
/// Source: Python, ssl.create_default_context and wrap_socket; Go, tls.Dial.
TlsStream create_tls_connection(std::string_view host, std::uint16_t port, const TlsClientOptions& tls = {},
                                const ConnectOptions& options = {});

/// The same with a context that was made before: the authorities are not read again, and a session is resumed if the
/// last one was with the same name.
TlsStream create_tls_connection(std::string_view host, std::uint16_t port, const TlsContext& context,
                                const ConnectOptions& options = {});

}  // namespace socketserver
