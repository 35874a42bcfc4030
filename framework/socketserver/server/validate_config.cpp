#include <socketserver/server/validate_config.hpp>

#include <algorithm>
#include <chrono>
#include <initializer_list>

namespace socketserver::detail {
namespace {

/// A rule and its key.
struct Rule {
  bool holds;
  const char* pointer;
  const char* text;
};

bool in_range(const std::optional<std::chrono::milliseconds>& time) {
  return !time || (time->count() >= 0 && *time <= std::chrono::hours(24 * 365 * 100));
}

std::optional<ConfigProblem> first_broken(std::initializer_list<Rule> rules) {
  for (const Rule& rule : rules) {
    if (!rule.holds) return ConfigProblem{rule.pointer, rule.text};
  }
  return std::nullopt;
}

bool any_proxied(const std::vector<ListenOptions>& listen) {
  return std::any_of(listen.begin(), listen.end(), [](const ListenOptions& entry) { return entry.proxy_protocol; });
}

bool any_tls(const std::vector<ListenOptions>& listen) {
  return std::any_of(listen.begin(), listen.end(), [](const ListenOptions& entry) { return entry.tls; });
}

std::optional<ConfigProblem> bad_timeout(const TimeoutsConfig& timeouts) {
  const char* const text = "is negative or longer than a century";
  return first_broken({{in_range(timeouts.idle), "/timeouts/idle", text},
                       {in_range(timeouts.read), "/timeouts/read", text},
                       {in_range(timeouts.write), "/timeouts/write", text},
                       {in_range(timeouts.handshake), "/timeouts/handshake", text},
                       {in_range(timeouts.lifetime), "/timeouts/lifetime", text},
                       {in_range(timeouts.drain), "/timeouts/drain", text},
                       {in_range(timeouts.linger), "/timeouts/linger", text}});
}

}  // namespace

std::optional<ConfigProblem> find_problem(const ServerConfig& config) {
  const auto broken = first_broken(
      {{!config.listen.empty(), "/listen", "has no entry"},
       {config.concurrency.threads != 0U, "/concurrency/threads", "is 0"},
       {config.concurrency.stack_size >= kLeastStackSize, "/concurrency/stack_size", "is under 16384"},
       {config.limits.max_connections > 0, "/limits/max_connections", "is 0"},
       {config.limits.max_line > 0, "/limits/max_line", "is 0"},
       {config.limits.read_buffer > 0, "/limits/read_buffer", "is 0"},
       {config.access.max_connections_per_client != 0U, "/access/max_connections_per_client", "is 0"},
       {config.access.accepts_per_second_per_client != 0U, "/access/accepts_per_second_per_client", "is 0"},
       {!any_proxied(config.listen) || !config.proxy.trusted.empty(), "/proxy/trusted",
        "is empty, but /listen/proxy_protocol is true: name the proxies' networks"},
       {!any_tls(config.listen) || !config.tls.certificates.empty(), "/tls/certificates",
        "is empty, but /listen/tls is true: name a chain and its key"},
       {config.tls.client_certificate == ClientCertificate::none || config.tls.client_ca, "/tls/client_ca",
        "is null, but /tls/client_certificate asks for certificates: name the authorities that they are verified by"}});
  return broken ? broken : bad_timeout(config.timeouts);
}

}  // namespace socketserver::detail
