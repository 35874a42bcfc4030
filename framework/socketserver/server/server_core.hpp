#pragma once
// What the parts of a server share: AcceptLoop, ConnectionRunner and Shutdown.

#include <exception>
#include <memory>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/observe/log.hpp>
#include <socketserver/server/access_control.hpp>
#include <socketserver/server/connection_table.hpp>
#include <socketserver/server/environment.hpp>
#include <socketserver/server/hooks.hpp>
#include <socketserver/server/lifecycle.hpp>
#include <socketserver/server/server_budgets.hpp>
#include <socketserver/server/server_config.hpp>
#include <socketserver/server/server_tls.hpp>
#include <string>

namespace socketserver::detail {

struct ServerCore {
  /// @throws std::system_error  the address cannot be listened on; std::invalid_argument  the configuration is wrong.
  ServerCore(BaseServer& server, Hooks& hooks, ServerConfig config, std::string handler_name);

  /// Whether there is no place for one more connection.
  bool full() const { return budgets.connections_full(connections.active()) || budgets.policy_full(); }

  /// Writes a line that a peer can cause, if its kind's budget allows.
  void log_event(LineBudget& budget, LogLevel level, const std::string& line);
  /// Writes how many lines the budgets have withheld since.
  void log_withheld();
  /// Logs the exception that is being handled. If memory is too short for its text, logs `where` alone.
  void log_exception(const char* where) noexcept;
  /// Gives an error to the hook handle_error.
  void report(Request& request, const std::exception_ptr& error) noexcept;
  /// Calls what has no connection: what it throws is logged.
  template <typename Call>
  void guarded(const char* name, Call call) noexcept;
  /// Calls a hook with a connection: what it throws goes to handle_error.
  template <typename Hook>
  void guarded(Request& request, Hook hook) noexcept;

  BaseServer& server;  // what a Request's server() is, and HandlerScope knows
  Hooks& hooks;
  const std::string handler_name;
  const std::shared_ptr<const ServerConfig> config;  // each connection keeps the one that it was accepted under
  Logger log;
  const std::unique_ptr<Listener> listener;
  ConnectionTable connections;
  Lifecycle lifecycle;

  // Their threads use the other parts, so they end first: see stop_threads().
  std::unique_ptr<Background> background;
  std::unique_ptr<Policy> policy;
  void stop_threads() noexcept;

  ServerBudgets budgets;
  AccessControl access;
  ServerTls tls;
};

template <typename Call>
void ServerCore::guarded(const char* name, Call call) noexcept {
  try {
    call();
  } catch (...) {
    log_exception(name);
  }
}

template <typename Hook>
void ServerCore::guarded(Request& request, Hook hook) noexcept {
  try {
    hook(request);
  } catch (...) {
    report(request, std::current_exception());
  }
}

}  // namespace socketserver::detail
