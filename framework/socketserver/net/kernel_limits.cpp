#include <socketserver/net/kernel_limits.hpp>

#include <sys/resource.h>

#include <algorithm>
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

constexpr std::int64_t kMaxInterval = 120;  // seconds: TCP_RTO_MAX

/// @returns the sum of 1 + retries intervals in seconds, which double from 1: 2^(retries+1) - 1 until they are longest.
std::int64_t doubled_intervals(std::int64_t retries) {
  std::int64_t sum = 0;
  std::int64_t interval = 1;
  for (std::int64_t i = 0; i <= retries; ++i) {
    sum += interval;
    interval = std::min(interval * 2, kMaxInterval);
  }
  return sum;
}

}  // namespace

std::chrono::seconds connect_timeout(std::int64_t syn_retries, std::int64_t linear_timeouts) {
  const std::int64_t enough = doubled_intervals(syn_retries);
  std::int64_t tick = 1;
  for (std::int64_t i = 0; i < linear_timeouts && tick < enough; ++i) ++tick;
  for (std::int64_t interval = 2; tick < enough; interval = std::min(interval * 2, kMaxInterval)) tick += interval;
  return std::chrono::seconds(tick);
}

std::chrono::seconds handshake_timeout(std::int64_t synack_retries) {
  return std::chrono::seconds(doubled_intervals(synack_retries));
}

KernelLimits kernel_limits() {
  const std::string ipv4 = kIpv4;
  return {.somaxconn = read_number("/proc/sys/net/core/somaxconn"),
          .tcp_max_syn_backlog = read_number(ipv4 + "tcp_max_syn_backlog"),
          .tcp_synack_retries = read_number(ipv4 + "tcp_synack_retries"),
          .tcp_syn_retries = read_number(ipv4 + "tcp_syn_retries"),
          .tcp_syn_linear_timeouts = read_number(ipv4 + "tcp_syn_linear_timeouts"),
          .tcp_rmem = read_sizes(ipv4 + "tcp_rmem"),
          .tcp_wmem = read_sizes(ipv4 + "tcp_wmem"),
          .rmem_max = read_number("/proc/sys/net/core/rmem_max"),
          .wmem_max = read_number("/proc/sys/net/core/wmem_max"),
          .descriptors = descriptor_limit(),
          .max_map_count = read_number("/proc/sys/vm/max_map_count")};
}

}  // namespace socketserver
