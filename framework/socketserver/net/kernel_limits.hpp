#pragma once
// The system's own limits on sockets, read from /proc: what cuts a configuration down.

#include <array>
#include <cstdint>
#include <optional>

namespace socketserver {

/// Each is nullopt where the system does not have it. Buffer triples are least, default and most, in bytes.
struct KernelLimits {
  using BufferSizes = std::array<std::int64_t, 3>;

  std::optional<std::int64_t> somaxconn{};            // cuts every listen backlog
  std::optional<std::int64_t> tcp_max_syn_backlog{};  // half-open connections
  std::optional<std::int64_t> tcp_synack_retries{};   // accepting side's retries
  std::optional<BufferSizes> tcp_rmem{};              // receive buffers, by autotuning
  std::optional<BufferSizes> tcp_wmem{};              // send buffers, by autotuning
  std::optional<std::int64_t> descriptors{};          // this process may open, the soft limit
};

/// Reads them now.
KernelLimits kernel_limits();

}  // namespace socketserver
