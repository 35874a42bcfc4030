#pragma once
// Connecting to a Unix socket, with a bound on every wait.

#include <socketserver/base/visibility.hpp>
#include <socketserver/net/connect.hpp>
#include <string_view>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Connects to a Unix socket. Of the options only the two timeouts, the buffers and the log apply.
/// @param path  as ListenOptions::path.
/// @throws TimeoutError  the server accepts none by the connect timeout. @throws StreamError  no server listens there.
/// Threads: any; on a fiber it suspends that fiber.
SocketStream create_unix_connection(std::string_view path, const ConnectOptions& options = {});

}  // namespace socketserver
