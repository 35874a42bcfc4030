#include <socketserver/net/kernel_limits.hpp>

#include <sys/resource.h>

#include <fstream>
#include <limits>

namespace socketserver {
namespace {

constexpr const char* kIpv4 = "/proc/sys/net/ipv4/";

std::optional<std::int64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::int64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

std::optional<KernelLimits::BufferSizes> read_sizes(const std::string& path) {
  std::ifstream file(path);
  KernelLimits::BufferSizes sizes{};
  if (!(file >> sizes[0] >> sizes[1] >> sizes[2])) return std::nullopt;
  return sizes;
}

std::optional<std::int64_t> descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return static_cast<std::int64_t>(limit.rlim_cur);
}

}  // namespace

KernelLimits kernel_limits() {
  const std::string ipv4 = kIpv4;
  return {.somaxconn = read_number("/proc/sys/net/core/somaxconn"),
          .tcp_max_syn_backlog = read_number(ipv4 + "tcp_max_syn_backlog"),
          .tcp_synack_retries = read_number(ipv4 + "tcp_synack_retries"),
          .tcp_rmem = read_sizes(ipv4 + "tcp_rmem"),
          .tcp_wmem = read_sizes(ipv4 + "tcp_wmem"),
          .descriptors = descriptor_limit()};
}

}  // namespace socketserver
