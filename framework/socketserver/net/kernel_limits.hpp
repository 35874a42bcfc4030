#pragma once
// The system's own limits on sockets and their processes, read from /proc, and how long the kernel itself tries: what
// cuts a configuration down.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <socketserver/base/visibility.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Each is nullopt where the system does not have it.
struct KernelLimits {
  /// Least, default and most, in bytes.
  using BufferSizes = std::array<std::int64_t, 3>;

  std::optional<std::int64_t> somaxconn{};            ///< cuts every listen backlog
  std::optional<std::int64_t> tcp_max_syn_backlog{};  ///< half-open connections
  std::optional<std::int64_t> tcp_synack_retries{};   ///< of the accepting side
  std::optional<std::int64_t> tcp_syn_retries{};      ///< of the connecting side
  std::optional<std::int64_t>
      tcp_syn_linear_timeouts{};                ///< how many of those come at intervals of 1 s; since Linux 6.5
  std::optional<BufferSizes> tcp_rmem{};        ///< receive buffers, by autotuning
  std::optional<BufferSizes> tcp_wmem{};        ///< send buffers, by autotuning
  std::optional<std::int64_t> rmem_max{};       ///< cuts SO_RCVBUF, before the kernel doubles it
  std::optional<std::int64_t> wmem_max{};       ///< caps SO_SNDBUF
  std::optional<std::int64_t> descriptors{};    ///< this process may open, the soft limit
  std::optional<std::int64_t> max_map_count{};  ///< mappings that a process may have
};

/// Reads them now.
KernelLimits kernel_limits();

/// How long the kernel tries to connect to a host that does not answer: the first of its retransmission ticks that is
/// at or after 2^(retries+1) - 1 seconds.
/// @param syn_retries      0 to 127; TCP_SYNCNT or tcp_syn_retries.
/// @param linear_timeouts  tcp_syn_linear_timeouts, 0 where the kernel has none.
/// Source: tcp(7); Linux net/ipv4/tcp_timer.c, measured on 6.18.
std::chrono::seconds connect_timeout(std::int64_t syn_retries, std::int64_t linear_timeouts);

/// How long the kernel waits for the last step of a handshake that a client has begun.
/// @param synack_retries  0 to 127; tcp_synack_retries. No interval of them is linear.
std::chrono::seconds handshake_timeout(std::int64_t synack_retries);

}  // namespace socketserver
