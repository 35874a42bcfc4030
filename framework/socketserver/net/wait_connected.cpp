#include <socketserver/net/detail/wait_connected.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <socketserver/base/detail/fiber.hpp>
#include <system_error>

namespace socketserver::detail {
namespace {

constexpr Duration kLookAtOthers = std::chrono::milliseconds(20);

/// @returns the first of the sockets that the kernel has connected or given up, within the time.
std::optional<std::size_t> poll_decided(std::vector<pollfd>& sockets, Duration time) {
  // Rounded up, so that a deadline has passed when poll says so.
  const auto bounded = std::chrono::ceil<std::chrono::milliseconds>(std::min<Duration>(time, std::chrono::hours(24)));
  const int ready = ::poll(sockets.data(), sockets.size(), static_cast<int>(bounded.count()));
  if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
  if (ready <= 0) return std::nullopt;
  const auto found =
      std::find_if(sockets.begin(), sockets.end(), [](const pollfd& socket) { return socket.revents != 0; });
  return static_cast<std::size_t>(found - sockets.begin());
}

void suspend(Fiber& fiber, int fd, Deadline deadline) {
  Watch* const watch = fiber.watch(fd);
  if (watch == nullptr) throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  (void)watch->wait_write(deadline);
  watch->release();
}

}  // namespace

std::optional<std::size_t> wait_connected(const std::vector<Pending>& pending, Deadline deadline) {
  std::vector<pollfd> sockets;
  for (const Pending& one : pending) sockets.push_back({.fd = one.socket.get(), .events = POLLOUT, .revents = 0});
  Fiber* const fiber = current_fiber();
  for (;;) {
    const auto decided = poll_decided(sockets, fiber != nullptr ? Duration::zero() : deadline.remaining());
    if (decided || deadline.expired()) return decided;
    if (fiber == nullptr) continue;
    // A fiber waits for one descriptor, and what wakes it may be something else: the kernel is asked again.
    const Deadline look = pending.size() == 1 ? deadline : std::min(deadline, Deadline::after(kLookAtOthers));
    suspend(*fiber, pending.back().socket.get(), look);
  }
}

}  // namespace socketserver::detail
