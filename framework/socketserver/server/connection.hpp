#pragma once
// A connection that the server owns: its stream and the request made of it.

#include <atomic>
#include <list>
#include <memory>
#include <socketserver/net/byte_log.hpp>
#include <socketserver/net/detail/served_stream.hpp>
#include <socketserver/observe/log.hpp>
#include <socketserver/server/request.hpp>
#include <socketserver/server/server_config.hpp>

namespace socketserver::detail {

struct Connection {
  Connection(std::unique_ptr<ServedStream> accepted, const SocketAddress& peer, BaseServer& server, Logger& log,
             const ServerConfig& config)
      : owned(std::move(accepted)), stream(*owned), request(stream, peer, &server, config.limits) {
    request.connection_ = this;
    stream.set_timeouts({.idle = config.timeouts.idle, .read = config.timeouts.read, .write = config.timeouts.write});
    if (config.timeouts.lifetime) stream.set_lifetime(Deadline::after(*config.timeouts.lifetime));
    if (log.enabled(LogLevel::debug)) stream.observe(std::make_unique<ByteLog>(log, peer));
  }

  const std::unique_ptr<ServedStream> owned;
  ServedStream& stream;
  Request request;
  std::atomic<bool> running{false};    // a handler has begun
  std::atomic<bool> submitted{false};  // the policy has it
  const TimePoint accepted_at = steady_clock().now();
  std::list<Connection>::iterator position;  // in the table that owns it
};

}  // namespace socketserver::detail
