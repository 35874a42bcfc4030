#pragma once
// A real server for a test with real sockets: on a free port of the loopback, in the background, stopped with the test.
//
//   ServerFixture<UpperCaseHandler> fixture;
//   SocketStream client = fixture.connect();
//   client.sendall("hello\n");
//   assert(Reader(client).readline() == "HELLO\n");

#include <concepts>
#include <future>
#include <socketserver/net/connect.hpp>
#include <socketserver/server/tcp_server.hpp>
#include <utility>

namespace socketserver::testing {

/// What a fixture's server is made with.
struct FixtureOptions {
  /// The server's; but it listens on the loopback, drains for half of stop_within and lingers for a quarter of it at
  /// most, and logs nothing unless to a file.
  ServerConfig config{};
  /// A handler that has not returned by then is stuck: it waits for something other than its client.
  std::chrono::milliseconds stop_within = std::chrono::seconds(10);
};

namespace detail {

ServerConfig fixture_config(FixtureOptions options);

/// Runs a server on a thread of its own.
class ServingThread {
 public:
  ServingThread(BaseServer& server, std::chrono::milliseconds stop_within);
  ServingThread(const ServingThread&) = delete;
  ServingThread& operator=(const ServingThread&) = delete;
  /// Stops it. If a handler is stuck, ends the process with a line that names it: the server cannot be destroyed.
  ~ServingThread();

  /// Serves again, after a stop.
  void start();
  /// Requests a stop and waits for it.
  DrainReport stop();
  /// Waits for a stop that was requested otherwise. @throws std::runtime_error  a handler is stuck; what() names it.
  DrainReport wait();
  /// Waits up to this time. @returns whether it has stopped.
  bool stopped_within(std::chrono::milliseconds time) const;

 private:
  BaseServer& server_;
  const std::chrono::milliseconds stop_within_;
  std::future<DrainReport> serving_;
};

}  // namespace detail

/// A TCPServer<Handler> that serves as long as the fixture lives. The destructor stops it; if a handler is stuck, the
/// process ends with a line on standard error that names it. Threads: the test's.
template <typename Handler>
class ServerFixture {
 public:
  /// @param args  the handlers' constructor gets them, as TCPServer's: std::ref shares an object.
  /// @throws std::system_error, std::invalid_argument  as TCPServer.
  template <typename... Args>
  explicit ServerFixture(FixtureOptions options, Args&&... args)
      : server_(detail::fixture_config(options), std::forward<Args>(args)...), serving_(server_, options.stop_within) {}
  /// With FixtureOptions' defaults.
  template <typename... Args>
  requires(!std::convertible_to<Args, FixtureOptions> && ...) explicit ServerFixture(Args&&... args)
      : ServerFixture(FixtureOptions{}, std::forward<Args>(args)...) {}

  /// It is serving: call only what is safe from any thread, e.g. stats().
  TCPServer<Handler>& server() noexcept { return server_; }
  /// On the loopback, with the port that the kernel chose.
  const SocketAddress& address() const noexcept { return server_.server_address(); }
  /// @returns a new connection to the server. @throws TimeoutError, StreamError  as create_connection().
  SocketStream connect(const ConnectOptions& options = {}) const { return create_connection({address()}, options); }

  /// Stops the server before the fixture's end. Only the first call has a report.
  /// @throws std::runtime_error  it did not stop in time; what() names the handler, its clients, and for how long.
  ///         std::system_error  serving had failed.
  DrainReport stop() { return serving_.stop(); }

 private:
  TCPServer<Handler> server_;
  detail::ServingThread serving_;
};

}  // namespace socketserver::testing
