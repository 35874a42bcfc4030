#include <socketserver/net/wait_connected.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <socketserver/base/kernel_timeout.hpp>
#include <socketserver/base/last_error.hpp>
#include <socketserver/wait/execution.hpp>

namespace socketserver::detail {
namespace {

constexpr Duration kLookAtOthers = std::chrono::milliseconds(20);

/// @returns the first of the sockets that the kernel has connected or given up, by the deadline.
std::optional<std::size_t> poll_decided(std::vector<pollfd>& sockets, Deadline deadline) {
  const int ready = ::poll(sockets.data(), sockets.size(), kernel_timeout(deadline));
  if (ready < 0 && errno != EINTR) throw_last_error("poll");
  if (ready <= 0) return std::nullopt;
  const auto found =
      std::find_if(sockets.begin(), sockets.end(), [](const pollfd& socket) { return socket.revents != 0; });
  return static_cast<std::size_t>(found - sockets.begin());
}

void suspend(Fiber& fiber, int fd, Deadline deadline) {
  Watch* const watch = fiber.watch(fd);
  if (watch == nullptr) throw_last_error("epoll_ctl");
  (void)watch->wait_write(deadline);
  watch->release();
}

}  // namespace

std::optional<std::size_t> wait_connected(const std::vector<Pending>& pending, Deadline deadline) {
  std::vector<pollfd> sockets;
  for (const Pending& one : pending) sockets.push_back({.fd = one.socket.get(), .events = POLLOUT, .revents = 0});
  Fiber* const fiber = current_fiber();
  for (;;) {
    const auto decided = poll_decided(sockets, fiber != nullptr ? Deadline::at_once() : deadline);
    if (decided || deadline.expired()) return decided;
    if (fiber == nullptr) continue;
    // A fiber waits for one descriptor, and what wakes it may be something else: the kernel is asked again.
    const Deadline look = pending.size() == 1 ? deadline : std::min(deadline, Deadline::after(kLookAtOthers));
    suspend(*fiber, pending.back().socket.get(), look);
  }
}

}  // namespace socketserver::detail
