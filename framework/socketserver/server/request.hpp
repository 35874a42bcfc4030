#pragma once
// One connection as hooks and handlers see it.

#include <socketserver/base/visibility.hpp>
#include <socketserver/io/stream.hpp>
#include <socketserver/net/address.hpp>
#include <socketserver/server/server_config.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

class BaseServer;
namespace detail {
struct Connection;
}

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
  /// Whom the connection was accepted from.
  const SocketAddress& client_address() const noexcept { return client_address_; }
  /// The configuration's, for a handler's buffers.
  const LimitsConfig& limits() const noexcept { return limits_; }
  /// Whether there is a server; a test may give none.
  bool has_server() const noexcept { return server_ != nullptr; }
  /// @throws std::logic_error  there is none: the handler runs in a test that gave none.
  BaseServer& server() const;

 private:
  friend class BaseServer;
  friend struct detail::Connection;

  Stream* stream_;
  SocketAddress client_address_;
  BaseServer* server_;
  LimitsConfig limits_;
  detail::Connection* connection_ = nullptr;  // null in a test
};

}  // namespace socketserver
