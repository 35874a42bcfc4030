#pragma once
// A server on a free port of the loopback, served by a thread of its own.

#include <array>
#include <chrono>
#include <future>
#include <socketserver/server/tcp_server.hpp>
#include <thread>
#include <utility>

#include "support/eventually.hpp"

namespace testing_support {

using socketserver::PolicyKind;
using socketserver::ServerConfig;
using namespace std::chrono_literals;

inline constexpr std::array kPolicies{PolicyKind::inline_, PolicyKind::thread, PolicyKind::pool, PolicyKind::fiber};
/// Those that run connections beside each other; the pool as far as it has workers.
inline constexpr std::array kConcurrentPolicies{PolicyKind::thread, PolicyKind::pool, PolicyKind::fiber};
/// And any number of them.
inline constexpr std::array kUnboundedPolicies{PolicyKind::thread, PolicyKind::fiber};

/// @returns a quiet configuration for 127.0.0.1 and a free port.
inline ServerConfig local_config(PolicyKind policy = PolicyKind::pool) {
  ServerConfig config;
  config.listen.host = "127.0.0.1";
  config.listen.port = 0;
  config.concurrency.policy = policy;
  config.log.level = socketserver::LogLevel::off;
  return config;
}

template <typename Server>
class RunningServer {
 public:
  template <typename... Args>
  explicit RunningServer(ServerConfig config, Args&&... args) : server(std::move(config), std::forward<Args>(args)...) {
    start();
  }
  ~RunningServer() { stop(); }

  void start() {
    serving_ = std::async(std::launch::async, [this] { return server.serve_forever(); });
  }
  /// Requests a stop and waits for it, once.
  socketserver::DrainReport stop() {
    server.request_stop();
    return wait();
  }
  /// Waits for a stop that was requested otherwise.
  socketserver::DrainReport wait() { return serving_.valid() ? serving_.get() : socketserver::DrainReport{}; }
  bool stopped_within(std::chrono::milliseconds time) { return serving_.wait_for(time) == std::future_status::ready; }
  const socketserver::SocketAddress& address() const { return server.server_address(); }

  Server server;

 private:
  std::future<socketserver::DrainReport> serving_;
};

}  // namespace testing_support
