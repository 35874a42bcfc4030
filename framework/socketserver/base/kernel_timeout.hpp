#pragma once
// The timeout that a system call is given.

#include <algorithm>
#include <chrono>
#include <socketserver/base/deadline.hpp>

namespace socketserver::detail {

/// Waits are bounded to this; who waits longer goes round again.
inline constexpr Duration kMaxWait = std::chrono::hours(24);

/// @returns milliseconds as poll(2) and epoll_wait(2) take them, -1 for never: rounded up, so that the deadline has
/// passed when the call says that the time has.
inline int kernel_timeout(Deadline deadline) noexcept {
  if (deadline.is_never()) return -1;
  const Duration left = std::min(deadline.remaining(), kMaxWait);
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

}  // namespace socketserver::detail
