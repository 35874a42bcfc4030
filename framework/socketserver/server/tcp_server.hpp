#pragma once
// TCPServer<Handler>: a server that runs one handler object per connection.

#include <functional>
#include <socketserver/base/function.hpp>
#include <socketserver/base/visibility.hpp>
#include <socketserver/server/base_server.hpp>
#include <typeinfo>
#include <utility>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Whether a handler writes before it reads, as with a greeting, and says so:
///
///     static bool speaks_first() { return true; }
///
/// Under `pool` it gets a worker at once; any other handler when its connection's first byte has come.
template <typename Handler>
bool handler_speaks_first() noexcept {
  if constexpr (requires { Handler::speaks_first(); }) {
    return Handler::speaks_first();
  } else {
    return false;
  }
}

/// The policy that the configuration names.
struct ConfiguredPolicy {
  /// @returns it unchanged.
  static ServerConfig apply(ServerConfig config) { return config; }
};

/// A policy fixed at compile time; the configuration's is not used.
template <PolicyKind kind>
struct FixedPolicy {
  /// @returns it with this policy.
  static ServerConfig apply(ServerConfig config) {
    config.concurrency.policy = kind;
    return config;
  }
};

/// Serves each connection with a Handler of its own: any type with run(Request&), usually a
/// BaseRequestHandler. Arguments after the configuration are copied and handed to each handler's constructor;
/// std::ref shares one object:
///
///     TCPServer<ChatHandler> server{config, std::ref(room)};
///     server.serve_forever();
///
/// For callers: everything public in BaseServer. May be overridden: its hooks.
template <typename Handler, typename Policy = ConfiguredPolicy>
class TCPServer : public BaseServer {
 public:
  /// @throws std::system_error  as BaseServer.
  template <typename... Args>
  explicit TCPServer(ServerConfig config, Args&&... args)
      : BaseServer(Policy::apply(std::move(config)), &typeid(Handler)),
        make_and_run_([... kept = std::forward<Args>(args)](Request& request) {
          Handler handler(unwrap(kept)...);
          handler.run(request);
        }) {}

  ~TCPServer() override { server_close(); }

 protected:
  void finish_request(Request& request) override { make_and_run_(request); }
  bool handler_speaks_first() const noexcept override { return socketserver::handler_speaks_first<Handler>(); }

 private:
  template <typename T>
  static const T& unwrap(const T& value) {
    return value;
  }
  template <typename T>
  static T& unwrap(const std::reference_wrapper<T>& value) {
    return value.get();
  }

  MoveOnlyFunction<void(Request&)> make_and_run_;  // called from several threads at once; it only reads what it keeps
};

/// Runs each connection in a thread of its own.
template <typename Handler>
using ThreadingTCPServer = TCPServer<Handler, FixedPolicy<PolicyKind::thread>>;
/// Runs connections in `threads` workers, with a queue of `queue`: ConcurrencyConfig.
template <typename Handler>
using PoolTCPServer = TCPServer<Handler, FixedPolicy<PolicyKind::pool>>;
/// Runs each connection in a fiber of its own, on one of `threads` loops.
template <typename Handler>
using FiberTCPServer = TCPServer<Handler, FixedPolicy<PolicyKind::fiber>>;
/// Runs one connection at a time, in the thread that serves.
template <typename Handler>
using InlineTCPServer = TCPServer<Handler, FixedPolicy<PolicyKind::inline_>>;

}  // namespace socketserver
