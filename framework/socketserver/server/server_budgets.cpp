#include <socketserver/server/server_budgets.hpp>

#include <algorithm>
#include <optional>
#include <socketserver/net/shared_use.hpp>

namespace socketserver::detail {

ServerBudgets::ServerBudgets(const ServerConfig& config, const Policy& policy, Background& background)
    : max_connections_(config.limits.max_connections),
      policy_(policy),
      background_(background),
      connections_(most_connections()),
      lingering_(max_connections_) {}

/// Those that wait for their first byte are not the policy's yet.
std::size_t ServerBudgets::most_connections() const noexcept {
  return policy_.starts_on_input() ? max_connections_ : std::min(max_connections_, policy_.capacity());
}

void ServerBudgets::set_room(const Room& room) {
  connections_ = room.connections;
  lingering_ = room.lingering;
  background_.bound_lingering(room.lingering);
}

bool ServerBudgets::policy_full() const noexcept {
  return policy_.starts_on_input() && submitted_ >= policy_.capacity();
}

std::vector<Budget> ServerBudgets::look(std::size_t active) const {
  std::vector<Budget> all{{"connections", active, connections_}};
  for (const Budget& own : policy_.budgets()) all.push_back(own);
  all.push_back({"lingering", background_.lingering(), lingering_});
  all.push_back({"network lines", static_cast<std::uint64_t>(network_lines.used()), LineBudget::kLinesPerSecond});
  all.push_back({"error lines", static_cast<std::uint64_t>(error_lines.used()), LineBudget::kLinesPerSecond});
  all.push_back({"refusal lines", static_cast<std::uint64_t>(refused_lines.used()), 1});
  all.push_back(look_ups_in_use());
  for (const std::optional<Budget>& of_process : {descriptors_in_use(), tcp_pages_in_use()}) {
    if (of_process) all.push_back(*of_process);
  }
  return all;
}

}  // namespace socketserver::detail
