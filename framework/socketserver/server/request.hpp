#pragma once
// One connection as hooks and handlers see it.

#include <cstddef>
#include <memory>
#include <optional>
#include <socketserver/base/visibility.hpp>
#include <socketserver/io/stream.hpp>
#include <socketserver/net/address.hpp>
#include <socketserver/net/peer_credentials.hpp>
#include <socketserver/net/proxy_header.hpp>
#include <socketserver/server/server_config.hpp>
#include <socketserver/tls/tls_info.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

class BaseServer;
class TlsStream;
namespace detail {
struct Connection;
}  // namespace detail

/// Lives as long as its connection. A test makes one from a stream alone.
class Request {
 public:
  /// @param stream  outlives the request, as does the server. @param server  null where there is none, in a test.
  explicit Request(Stream& stream, const SocketAddress& client_address = {}, BaseServer* server = nullptr,
                   const LimitsConfig& limits = {})
      : stream_(&stream), client_address_(client_address), server_(server), limits_(limits) {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  /// The connected stream. What it sends itself is not ordered with a StreamRequestHandler's buffered wfile().
  Stream& stream() const noexcept { return *stream_; }
  /// The client's address: the one that a trusted proxy has named, else connection_address().
  const SocketAddress& client_address() const noexcept { return client_address_; }
  /// What the connection was accepted from: the client, or the proxy in front of it.
  const SocketAddress& connection_address() const noexcept {
    return proxied_ == nullptr ? client_address_ : proxied_->connection_address;
  }
  /// The header that a trusted proxy has sent; null where none is expected, and in verify_request, which comes before.
  const ProxyHeader* proxy() const noexcept { return proxied_ == nullptr ? nullptr : &proxied_->header; }
  /// What the TLS handshake has agreed on; nullopt on a connection without TLS, and before its handshake.
  std::optional<TlsInfo> tls() const;
  /// Which of ServerConfig::listen the client came by: its place there, and its address's in server_addresses().
  std::size_t listener() const noexcept { return listener_; }
  /// @returns the process at the other end of a Unix socket; nullopt for TCP, in a test, and once the stream is closed.
  std::optional<PeerCredentials> peer_credentials() const noexcept;
  /// The configuration's, for a handler's buffers.
  const LimitsConfig& limits() const noexcept { return limits_; }
  /// Whether there is a server; a test may give none.
  bool has_server() const noexcept { return server_ != nullptr; }
  /// @throws std::logic_error  there is none: the handler runs in a test that gave none.
  BaseServer& server() const;

  /// @name For what stands between a connection's accept and its handler: a server, or a test
  ///@{

  /// Takes what a proxy says of the client.
  void announce(ProxyHeader header);
  /// What stream() returns from now on: a layer on the one before. @param stream  outlives the request.
  void set_stream(Stream& stream) noexcept { stream_ = &stream; }
  /// @overload which tls() asks, too.
  void set_stream(TlsStream& stream) noexcept;
  ///@}

 private:
  friend class BaseServer;
  friend struct detail::Connection;

  Stream* stream_;
  SocketAddress client_address_;
  struct Proxied {
    ProxyHeader header;
    SocketAddress connection_address;
  };
  const TlsStream* tls_ = nullptr;          // null without TLS
  std::unique_ptr<const Proxied> proxied_;  // null where there is no proxy
  BaseServer* server_;
  LimitsConfig limits_;
  std::size_t listener_ = 0;
  detail::Connection* connection_ = nullptr;  // null in a test
};

}  // namespace socketserver
