#pragma once
// What was asked for a socket and what the kernel gave, in words: for the log.

#include <cstddef>
#include <optional>
#include <socketserver/base/clock.hpp>
#include <socketserver/net/kernel_limits.hpp>
#include <string>
#include <string_view>

namespace socketserver::detail {

constexpr std::size_t kMaxHostText = 256;  // bytes of a host's name in an error's text

enum class Buffer { receive, send };

/// "receive buffer: asked 4096, granted 8192 bytes (rmem_max 212992)".
std::string buffer_text(int fd, Buffer which, std::optional<int> asked, const KernelLimits& limits);
/// "reuse_address yes, nodelay yes", as the kernel has them.
std::string switches_text(int fd);
/// "SYN retries: 6, so the kernel gives up after 131 s (tcp_syn_linear_timeouts 4)".
std::string syn_text(int fd, const KernelLimits& limits);
/// "0.25 s" or "none".
std::string timeout_text(std::optional<Duration> timeout);
/// "unknown" for nullopt.
std::string_view yes_no(std::optional<int> value);
/// In decimal, or "unknown".
std::string number_text(std::optional<std::int64_t> number);

}  // namespace socketserver::detail
