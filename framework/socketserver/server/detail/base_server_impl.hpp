#pragma once
// The inside of BaseServer: the accept loop and the drain. The hooks stay in BaseServer.

#include <atomic>
#include <memory>
#include <socketserver/base/detail/process_of.hpp>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/server/base_server.hpp>
#include <socketserver/server/detail/accept_trouble.hpp>
#include <socketserver/server/detail/connection_table.hpp>
#include <socketserver/server/detail/environment.hpp>
#include <socketserver/server/detail/lifecycle.hpp>
#include <socketserver/server/detail/server_budgets.hpp>
#include <system_error>

namespace socketserver {

class BaseServer::Impl {
 public:
  Impl(BaseServer& server, ServerConfig config, std::string handler_name);

  // One connection's way, in order.
  void serve();
  bool turn(Deadline deadline, int most);
  void dispatch(detail::Connection& connection);
  void submit(Request& request);
  bool wait_for_input(detail::Connection& connection);
  void input_came(detail::Connection& connection, detail::FirstInput found) noexcept;
  void start(detail::Connection& connection);
  void run(detail::Connection& connection);
  void end(detail::Connection& connection, detail::Outcome outcome);
  void close(detail::Connection& connection);

  // A stop, in order.
  void begin();
  void start_drain();
  DrainReport drain();
  void force();
  DrainReport finish();

  ServerStats stats() const;
  std::string active_connections() const;
  void log_stats() noexcept;
  void reopen_log() noexcept;
  /// Writes a line that a peer can cause, if its kind's budget allows.
  void log_event(detail::LineBudget& budget, LogLevel level, const std::string& line);
  void log_withheld();
  detail::ServerBudgets& budgets() noexcept { return budgets_; }

  BaseServer& server;
  const std::string handler_name;
  const ServerConfig config;
  Logger log;
  const std::unique_ptr<detail::Listener> listener;
  detail::ConnectionTable connections;
  detail::Lifecycle lifecycle;
  const detail::ProcessOf made_in;

 private:
  static constexpr int kMostAtOnce = 16;  // connections taken in one turn of the loop
  enum class Taken { connection, nothing, error };
  Taken accept_one();
  void accept_failed(std::error_code error);
  std::error_code take(detail::Arrival arrival);
  bool must_pause();
  bool full() const;
  void reject(detail::Connection& connection);
  void accept_the_rest();
  void leave_the_rest(std::error_code error);
  void wait_for_room();
  void report(Request& request, const std::exception_ptr& error) noexcept;
  void log_exception(const char* where) noexcept;
  template <typename Hook>
  void guarded(const char* name, Hook hook) noexcept;
  template <typename Hook>
  void guarded(Request& request, Hook hook) noexcept;

  detail::AcceptTrouble trouble_;
  bool submitted_ = false;               // the connection being dispatched is the policy's now
  bool was_full_ = false;                // at the last turn
  std::atomic<bool> paused_{false};      // the loop takes no connections, and wants to know when one ends
  std::atomic<bool> drain_over_{false};  // the drain deadline has passed
  std::atomic<std::uint64_t> waits_{0};
  std::atomic<std::uint64_t> accept_errors_{0};

  // Last, so that their threads end before what they use.
  const std::unique_ptr<detail::Background> background_;
  const std::unique_ptr<Policy> policy_;
  detail::ServerBudgets budgets_;
};

/// Calls a hook that has no connection, or what memory may be too short for: what it throws is logged.
template <typename Hook>
void BaseServer::Impl::guarded(const char* name, Hook hook) noexcept {
  try {
    hook();
  } catch (...) {
    log_exception(name);
  }
}

template <typename Hook>
void BaseServer::Impl::guarded(Request& request, Hook hook) noexcept {
  try {
    hook(request);
  } catch (...) {
    report(request, std::current_exception());
  }
}

}  // namespace socketserver
