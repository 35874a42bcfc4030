#pragma once
// The one place where a socket's operations meet the two ways to wait: a thread is blocked by the kernel, a fiber is
// suspended by its loop. Each operation is whole, bytes and deadline included, so that a loop that reports
// completions instead of readiness can carry it out as well.

#include <socketserver/net/detail/fiber_waiter.hpp>
#include <socketserver/net/detail/thread_waiter.hpp>

namespace socketserver::detail {

/// What waiting for one socket needs to keep between operations. Each takes the same descriptor, in blocking mode. An
/// expired deadline still takes what is there; the error is timed_out if there is nothing. Threads: one receives or
/// waits, one sends.
class SocketWaiter {
 public:
  SocketWaiter() = default;
  SocketWaiter(const SocketWaiter&) = delete;
  SocketWaiter& operator=(const SocketWaiter&) = delete;

  /// Receives at least one byte; none and no error is the end.
  /// @param mark  set while it waits. @returns operation_canceled if the mark forbids the wait that is needed.
  IoResult receive(int fd, std::span<std::byte> into, Deadline deadline, const WaitMark* mark = nullptr);

  /// Sends at least one byte.
  IoResult send(int fd, std::span<const std::byte> bytes, Deadline deadline);

  /// Waits until receive() will usually not have to: for a reader that holds no buffer meanwhile. @param mark  as
  /// above.
  std::error_code wait_readable(int fd, Deadline deadline, const WaitMark* mark = nullptr);

  /// Waits for bytes, the peer's end or an error that come after the one before was seen, also where this side has shut
  /// reading down and recv(2) would return 0. It may return early: the caller reads first, and after each return.
  std::error_code wait_arrival(int fd, Deadline deadline);

  /// Whether a wait costs less than a buffer that is kept during it: on a fiber, where wait_readable() is no system
  /// call.
  static bool waits_cheaply() noexcept;

  /// Before the descriptor is closed. Threads: the reader.
  void release() noexcept;

 private:
  ThreadWaiter thread_;
  FiberWaiter fiber_;
};

}  // namespace socketserver::detail
