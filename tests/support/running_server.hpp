#pragma once
// A server of any kind, hooks and all, with a thread of its own; ServerFixture is for TCPServer<Handler> as it is.

#include <array>
#include <chrono>
#include <socketserver/server/tcp_server.hpp>
#include <socketserver/testing/detail/local_config.hpp>
#include <socketserver/testing/server_fixture.hpp>
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
  config.concurrency.policy = policy;
  return socketserver::testing::detail::local_config(std::move(config));
}

template <typename Server>
class RunningServer {
 public:
  template <typename... Args>
  explicit RunningServer(ServerConfig config, Args&&... args)
      : server(std::move(config), std::forward<Args>(args)...) {}

  void start() { serving_.start(); }
  socketserver::DrainReport stop() { return serving_.stop(); }
  socketserver::DrainReport wait() { return serving_.wait(); }
  bool stopped_within(std::chrono::milliseconds time) const { return serving_.stopped_within(time); }
  const socketserver::SocketAddress& address() const { return server.server_address(); }

  Server server;

 private:
  socketserver::testing::detail::ServingThread serving_{server, 60s};
};

}  // namespace testing_support
