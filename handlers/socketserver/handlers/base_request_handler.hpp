#pragma once
// The base of all handlers: what to do with one connection, on the raw stream.

#include <socketserver/base/visibility.hpp>
#include <socketserver/io/stream.hpp>
#include <socketserver/server/request.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Override handle(), and setup() and finish() where needed; the server constructs one object for each
/// connection and calls run(). Building one does nothing, so that a test can do the same with a stream in memory:
///
///     MemoryStream stream("hello\n");
///     Request request(stream);
///     MyHandler handler;
///     handler.run(request);
///
/// Threads: an object belongs to the thread that runs it.
class BaseRequestHandler {
 public:
  BaseRequestHandler() = default;
  BaseRequestHandler(const BaseRequestHandler&) = delete;
  BaseRequestHandler& operator=(const BaseRequestHandler&) = delete;
  virtual ~BaseRequestHandler() = default;

  /// Calls setup(), handle() and finish(). finish() runs whenever setup() returned, also when handle() threw.
  /// @throws what they throw; of two exceptions the one of handle(), which came first.
  void run(Request& request);

 protected:
  /// Called first. If it throws, the others are not called.
  virtual void setup() {}
  /// Serves the connection. When it returns, or throws, the server closes it.
  virtual void handle() = 0;
  /// Called last, also where handle() threw; what it throws then is dropped.
  virtual void finish() {}

  /// The connected stream: Python's self.request. Valid while run() is under way, as the two below.
  Stream& request() const noexcept { return request_->stream(); }
  /// The peer; in a test what the Request was given.
  const SocketAddress& client_address() const noexcept { return request_->client_address(); }
  /// @throws std::logic_error  the handler runs in a test without a server.
  BaseServer& server() const { return request_->server(); }

  /// The whole request, with its limits.
  const Request& connection() const noexcept { return *request_; }

  /// The calls that run() makes. A base class with streams of its own wraps them.
  virtual void run_phases();

 private:
  Request* request_ = nullptr;
};

}  // namespace socketserver
