#include <socketserver/net/detail/socket_waiter.hpp>

#include <socketserver/wait/execution.hpp>

namespace socketserver::detail {

// Flattened, so that the choice costs a branch and no second call.

[[gnu::flatten]] IoResult SocketWaiter::receive(int fd, std::span<std::byte> into, Deadline deadline,
                                                const WaitMark* mark) {
  if (Fiber* const fiber = current_fiber()) return fiber_.receive(*fiber, fd, into, deadline, mark);
  return thread_.receive(fd, into, deadline, mark);
}

[[gnu::flatten]] IoResult SocketWaiter::send(int fd, std::span<const std::byte> bytes, Deadline deadline) {
  if (Fiber* const fiber = current_fiber()) return fiber_.send(*fiber, fd, bytes, deadline);
  return thread_.send(fd, bytes, deadline);
}

[[gnu::flatten]] std::error_code SocketWaiter::wait_readable(int fd, Deadline deadline, const WaitMark* mark) {
  if (Fiber* const fiber = current_fiber()) return fiber_.wait_readable(*fiber, fd, deadline, mark);
  return thread_.wait_readable(fd, deadline, mark);
}

[[gnu::flatten]] std::error_code SocketWaiter::wait_arrival(int fd, Deadline deadline) {
  if (Fiber* const fiber = current_fiber()) return fiber_.wait_arrival(*fiber, fd, deadline);
  return thread_.wait_arrival(fd, deadline);
}

bool SocketWaiter::waits_cheaply() noexcept { return current_fiber() != nullptr; }

void SocketWaiter::release() noexcept {
  fiber_.release();
  thread_.release();
}

}  // namespace socketserver::detail
