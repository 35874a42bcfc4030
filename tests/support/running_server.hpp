#pragma once
// A server of any kind, hooks and all, with a thread of its own; ServerFixture is for TCPServer<Handler> as it is.

#include <array>
#include <chrono>
#include <socketserver/server/tcp_server.hpp>
#include <socketserver/testing/local_config.hpp>
#include <socketserver/testing/server_fixture.hpp>
#include <utility>

#include "support/eventually.hpp"

namespace testing_support {

using socketserver::PolicyKind;
using socketserver::ServerConfig;
using namespace std::chrono_literals;

/// How a server under test runs its connections.
struct TestPolicy {
  constexpr TestPolicy(PolicyKind a_kind, std::size_t some_threads = 4) : kind(a_kind), threads(some_threads) {}
  constexpr operator PolicyKind() const { return kind; }

  PolicyKind kind;
  std::size_t threads;
};

inline constexpr TestPolicy kOneLoop{PolicyKind::fiber, 1};  // which accepts for itself
inline constexpr std::array<TestPolicy, 5> kPolicies{PolicyKind::inline_, PolicyKind::thread, PolicyKind::pool,
                                                     PolicyKind::fiber, kOneLoop};
/// Those that run connections concurrently; the pool as far as it has workers.
inline constexpr std::array<TestPolicy, 4> kConcurrentPolicies{PolicyKind::thread, PolicyKind::pool, PolicyKind::fiber,
                                                               kOneLoop};
/// And any number of them.
inline constexpr std::array<TestPolicy, 3> kUnboundedPolicies{PolicyKind::thread, PolicyKind::fiber, kOneLoop};

/// @returns a quiet configuration for 127.0.0.1 and a free port.
inline ServerConfig local_config(TestPolicy policy = PolicyKind::pool) {
  ServerConfig config;
  config.concurrency.policy = policy.kind;
  config.concurrency.threads = policy.threads;
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
