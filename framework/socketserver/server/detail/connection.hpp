#pragma once
// A connection that the server owns: its stream and the request made of it.

#include <list>
#include <socketserver/net/socket_stream.hpp>
#include <socketserver/server/base_server.hpp>

namespace socketserver::detail {

struct Connection {
  Connection(FileDescriptor socket, const SocketAddress& peer, BaseServer& server, const ServerConfig& config)
      : stream(std::move(socket), peer, {config.timeouts.idle, config.timeouts.read, config.timeouts.write},
               &server.log()),
        request(stream, peer, &server, config.limits) {
    request.connection_ = this;
    if (config.timeouts.lifetime) stream.set_lifetime(Deadline::after(*config.timeouts.lifetime));
  }

  SocketStream stream;
  Request request;
  const TimePoint accepted_at = steady_clock().now();
  std::list<Connection>::iterator position;  // in the table that owns it
};

}  // namespace socketserver::detail
