#include <socketserver/server/server_core.hpp>

#include <new>
#include <socketserver/base/text.hpp>
#include <socketserver/base/type_name.hpp>
#include <socketserver/server/validate_config.hpp>
#include <stdexcept>
#include <utility>

namespace socketserver::detail {
namespace {

/// A configuration from a file has been checked; one that a program fills in has not.
ServerConfig checked(ServerConfig config) {
  const auto problem = find_problem(config);
  if (problem) throw std::invalid_argument(concat("ServerConfig: ", problem->pointer, " ", problem->text));
  return config;
}

PolicyOptions policy_options(const ConcurrencyConfig& config, Logger& log) {
  return {.kind = config.policy,
          .threads = config.threads.value_or(default_threads(config.policy)),
          .queue = config.queue,
          .stack_size = config.stack_size,
          .log = &log};
}

Environment& environment_of(const ServerConfig& config) {
  return config.environment != nullptr ? *config.environment : system_environment();
}

}  // namespace

ServerCore::ServerCore(BaseServer& owner, Hooks& its_hooks, ServerConfig given, std::string handler)
    : server(owner),
      hooks(its_hooks),
      handler_name(std::move(handler)),
      config(std::make_shared<const ServerConfig>(checked(std::move(given)))),
      log(config->log),
      listener(environment_of(*config).listen(config->listen, config->socket)),
      background(environment_of(*config).background(config->limits.max_connections)),
      policy(environment_of(*config).policy(policy_options(config->concurrency, log))),
      budgets(*config, *policy, *background),
      access(config->access),
      tls(*config) {}

void ServerCore::stop_threads() noexcept {
  policy.reset();
  background.reset();
}

void ServerCore::report(Request& request, const std::exception_ptr& error) noexcept {
  guarded("handle_error", [&] { hooks.handle_error(request, error); });
}

void ServerCore::log_exception(const char* where) noexcept {
  try {
    log_event(budgets.error_lines, LogLevel::error, concat(where, ": ", describe(std::current_exception())));
  } catch (const std::bad_alloc&) {
    log.error(where);
  }
}

void ServerCore::log_event(LineBudget& budget, LogLevel level, const std::string& line) {
  if (!log.enabled(level)) return;
  const LineBudget::Answer answer = budget.ask();
  if (!answer.write) return;
  log.write(level, answer.withheld == 0 ? line : concat(line, " (and ", answer.withheld, " more of this kind before)"));
}

void ServerCore::log_withheld() {
  const std::uint64_t network = budgets.network_lines.take_withheld();
  const std::uint64_t errors = budgets.error_lines.take_withheld();
  const std::uint64_t refused = budgets.refused_lines.take_withheld();
  if (network + errors + refused == 0) return;
  log.info(concat("not logged: ", network, " network events, ", errors, " errors, ", refused, " refusals"));
}

}  // namespace socketserver::detail
