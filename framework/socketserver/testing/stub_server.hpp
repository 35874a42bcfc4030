#pragma once
// A server for handlers that need one in a test; it accepts no connection.

#include <socketserver/server/base_server.hpp>

namespace socketserver::testing {

/// A BaseServer with a port of its own on the loopback that accepts nothing, so that all a handler may call works:
/// config() is what the test gives (its listen address and policy aside), server_address() the port, stats() are
/// zeros, and request_stop() and shutdown() return at once and are seen by stop_requested(). log() is silent unless the
/// configuration names a file.
///
///     StubServer server{parse_config(R"({"app": {"greeting": "hello"}})")};
///     const auto run = run_handler<GreetingHandler>(RunOptions{.server = &server}, "Ann\n");
class StubServer final : public BaseServer {
 public:
  /// @throws std::system_error  there is no free port, or no log file.
  explicit StubServer(ServerConfig config = {});
  ~StubServer() override;

  /// Whether a handler has called request_stop() or shutdown().
  bool stop_requested();

 protected:
  bool verify_request(Request&) override { return false; }
  void finish_request(Request&) override {}
  void handle_timeout() override { nothing_happened_ = true; }

 private:
  bool stopped_ = false;
  bool nothing_happened_ = false;
};

}  // namespace socketserver::testing
