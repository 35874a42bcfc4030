#pragma once
// A connection that the server owns: its transport, the layers on it, and the request made of them.

#include <atomic>
#include <list>
#include <memory>
#include <socketserver/net/byte_log.hpp>
#include <socketserver/net/detail/served_stream.hpp>
#include <socketserver/observe/log.hpp>
#include <socketserver/server/request.hpp>
#include <socketserver/server/server_config.hpp>
#include <socketserver/tls/tls_stream.hpp>
#include <utility>
#include <vector>

namespace socketserver::detail {

/// Threads: the one that runs it, but what ConnectionTable does under its lock.
struct Connection {
  Connection(std::unique_ptr<ServedStream> accepted, const SocketAddress& peer, BaseServer& server, Logger& its_log,
             std::shared_ptr<const ServerConfig> its_config)
      : config(std::move(its_config)),
        log(its_log),
        owned(std::move(accepted)),
        transport(*owned),
        request(transport, peer, &server, config->limits) {
    request.connection_ = this;
    if (config->timeouts.lifetime) lifetime = Deadline::after(*config->timeouts.lifetime);
    set_up(transport);
  }

  /// Before the hooks see it.
  void set_listener(std::size_t listener) noexcept { request.listener_ = listener; }
  /// What the connection was accepted by.
  const ListenOptions& listener() const noexcept { return config->listen[request.listener()]; }
  /// What the handler reads and writes: the last layer, or the transport itself.
  Stream& stream() const noexcept { return layers.empty() ? transport : *layers.back(); }
  /// Puts a layer on what stream() was, whose bytes it gives another form. Before the handler begins.
  void push_layer(std::unique_ptr<Stream> layer) {
    stream().observe(nullptr);
    layers.push_back(std::move(layer));
    set_up(stream());
    request.set_stream(stream());
  }

  /// Adds TLS, for its handshake to follow.
  TlsStream& push_tls(const TlsContext& context) {
    auto layer = std::make_unique<TlsStream>(stream(), context);
    tls = layer.get();
    push_layer(std::move(layer));
    request.set_stream(*tls);
    return *tls;
  }
  /// Sends the end of the TLS session, if there is one, so that the peer does not take the end for a truncation.
  void end_session() noexcept {
    if (tls != nullptr) (void)tls->end_session(stream().deadline(config->timeouts.write));
  }

  const std::shared_ptr<const ServerConfig> config;  // as it was when the connection was accepted
  Logger& log;
  const std::unique_ptr<ServedStream> owned;
  ServedStream& transport;  // the socket: ends waits, counts bytes and is closed, also under layers
  std::vector<std::unique_ptr<Stream>> layers;
  Deadline lifetime = Deadline::never();
  Request request;
  TlsStream* tls = nullptr;            // of the layers; null without TLS
  bool entered = false;                // AccessControl counts it for request.client_address()
  std::atomic<bool> running{false};    // a handler has begun
  std::atomic<bool> submitted{false};  // the policy has it
  const TimePoint accepted_at = steady_clock().now();
  std::list<Connection>::iterator position;  // in the table that owns it

 private:
  void set_up(Stream& top) {
    const TimeoutsConfig& timeouts = config->timeouts;
    top.set_timeouts({.idle = timeouts.idle, .read = timeouts.read, .write = timeouts.write});
    top.set_lifetime(lifetime);
    if (log.enabled(LogLevel::debug)) top.observe(std::make_unique<ByteLog>(log, request.client_address()));
  }
};

}  // namespace socketserver::detail
