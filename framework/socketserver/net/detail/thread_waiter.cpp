#include <socketserver/net/detail/thread_waiter.hpp>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <socketserver/base/kernel_timeout.hpp>
#include <socketserver/base/last_error.hpp>
#include <socketserver/net/socket_calls.hpp>

namespace socketserver::detail {
namespace {

constexpr Duration kExact = std::chrono::milliseconds(20);  // a shorter wait is set as it is

/// Makes the next recv(2) or send(2) return by the deadline, or not wait at all.
/// @param name     SO_RCVTIMEO or SO_SNDTIMEO.
/// @param current  what is set on the socket, kept up to date.
/// @returns the flags for the call.
int bound_wait(int fd, int name, Duration& current, Deadline deadline) {
  const Duration left = std::min(deadline.remaining(), kMaxWait);
  if (left <= Duration::zero()) return MSG_DONTWAIT;
  const bool none = deadline.is_never();
  // A timeout that ends before the deadline is right, too: the caller goes round again. So one that is somewhat too
  // short is set, and then fits the waits to come, which are as long but begin a little later after their deadline.
  const bool fits = none ? current == Duration::zero() : current <= left && current > left / 2;
  if (fits) return 0;
  const Duration wanted = left < kExact ? left : left - left / 8;
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(wanted).count() + 1;
  const timeval value{.tv_sec = none ? 0 : microseconds / 1'000'000, .tv_usec = none ? 0 : microseconds % 1'000'000};
  if (::setsockopt(fd, SOL_SOCKET, name, &value, sizeof value) != 0) return MSG_DONTWAIT;
  current = none ? Duration::zero() : wanted;
  return 0;
}

}  // namespace

IoResult ThreadWaiter::receive(int fd, std::span<std::byte> into, Deadline deadline, const WaitMark* mark) {
  if (mark != nullptr && mark->interrupt() >= 0) return receive_interruptibly(fd, into, deadline, *mark);
  const MarkedWait wait(mark);
  if (!wait.allowed()) return {0, forbidden()};
  for (;;) {
    const int flags = bound_wait(fd, SO_RCVTIMEO, receive_timeout_, deadline);
    const ssize_t got = ::recv(fd, into.data(), into.size(), flags);
    if (got >= 0) return {static_cast<std::size_t>(got), {}};
    if (errno == EINTR) continue;
    if (!would_block(errno)) return {0, last_error()};
    if (deadline.expired()) return {0, timed_out()};
  }
}

/// recv(2) ends at what comes to its own socket alone, so poll(2) waits for it.
IoResult ThreadWaiter::receive_interruptibly(int fd, std::span<std::byte> into, Deadline deadline,
                                             const WaitMark& mark) {
  for (;;) {
    const std::error_code error = wait_readable(fd, deadline, &mark);
    if (error) return {0, error};
    const IoResult result = receive_now(fd, into);
    if (!result.error || result.error != std::errc::timed_out) return result;
  }
}

IoResult ThreadWaiter::send(int fd, std::span<const std::byte> bytes, Deadline deadline) {
  for (;;) {
    const int flags = bound_wait(fd, SO_SNDTIMEO, send_timeout_, deadline);
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
    if (sent >= 0) return {static_cast<std::size_t>(sent), {}, IoOperation::send};
    if (errno == EINTR) continue;
    if (!would_block(errno)) return {0, last_error(), IoOperation::send};
    if (deadline.expired()) return {0, timed_out(), IoOperation::send};
  }
}

std::error_code ThreadWaiter::wait_readable(int fd, Deadline deadline, const WaitMark* mark) {
  const MarkedWait wait(mark);
  if (!wait.allowed()) return forbidden();
  const int interrupt = mark != nullptr ? mark->interrupt() : -1;
  for (;;) {
    pollfd looks[] = {{.fd = fd, .events = POLLIN, .revents = 0}, {.fd = interrupt, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(looks, std::size(looks), kernel_timeout(deadline));
    if (ready < 0 && errno != EINTR) return last_error();
    if (ready > 0) return looks[1].revents != 0 ? forbidden() : std::error_code();
    if (deadline.expired()) return timed_out();
  }
}

/// poll(2) would return at once, since a socket whose reading direction is shut down counts as readable.
std::error_code ThreadWaiter::wait_arrival(int fd, Deadline deadline) {
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {}};
  if (!arrivals_) {
    FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) return last_error();
    arrivals_ = std::move(epoll);
  }
  const int ready = ::epoll_wait(arrivals_.get(), &event, 1, kernel_timeout(deadline));
  return ready < 0 && errno != EINTR ? last_error() : std::error_code();
}

}  // namespace socketserver::detail
