#pragma once
// The one owner of what a server's peers share: who asks whether there is room asks here, and so does who wants to see.

#include <atomic>
#include <cstddef>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/observe/line_budget.hpp>
#include <socketserver/observe/stats.hpp>
#include <socketserver/server/environment.hpp>
#include <socketserver/server/server_config.hpp>
#include <vector>

namespace socketserver::detail {

/// Threads: safe to share; set_room() by the serving thread.
class ServerBudgets {
 public:
  ServerBudgets(const ServerConfig& config, const Policy& policy, Background& background);

  /// @returns the connections that configuration and policy allow.
  std::size_t most_connections() const noexcept;
  /// What the process's descriptors have room for, at each start.
  void set_room(const Room& room);

  /// Whether there is no place for one more connection. @param active  those there are.
  bool connections_full(std::size_t active) const noexcept { return active >= connections_; }
  /// Whether a policy with few workers has as many connections as it takes.
  bool policy_full() const noexcept;

  /// The policy has one more connection, or one less.
  void submitted() noexcept { ++submitted_; }
  void ended() noexcept { --submitted_; }

  /// @returns each budget, with what is taken of it. @param active  as above.
  std::vector<Budget> look(std::size_t active) const;

  LineBudget network_lines;  // log lines that peers cause, by kind
  LineBudget error_lines;
  LineBudget refused_lines{steady_clock(), 1};

 private:
  const std::size_t max_connections_;
  const Policy& policy_;
  Background& background_;
  std::atomic<std::size_t> connections_;
  std::atomic<std::size_t> lingering_;
  std::atomic<std::size_t> submitted_{0};  // connections that the policy has
};

}  // namespace socketserver::detail
