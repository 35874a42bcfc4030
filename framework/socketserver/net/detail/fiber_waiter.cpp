#include <socketserver/net/detail/fiber_waiter.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <socketserver/base/last_error.hpp>
#include <socketserver/net/socket_calls.hpp>
#include <socketserver/wait/execution.hpp>

namespace socketserver::detail {
/// A descriptor's registration with the loop of the fiber that runs. The first reader's is kept, and used by all fibers
/// of its loop; a fiber of another loop has one of its own for as long as its operation lasts, and so has a sender
/// before there is a reader.
class FiberWaiter::Registration {
 public:
  Registration(std::atomic<Watch*>& kept, Fiber& fiber, int fd, bool keep) noexcept : watch_(kept.load()) {
    if (watch_ != nullptr && fiber.shares_loop(*watch_)) return;
    const bool first = watch_ == nullptr && keep;
    watch_ = fiber.watch(fd);
    temporary_ = !first;
    if (first) kept.store(watch_);
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  ~Registration() {
    if (temporary_ && watch_ != nullptr) watch_->release();
  }
  /// @returns false if it failed, with errno set.
  explicit operator bool() const { return watch_ != nullptr; }
  Watch* operator->() const { return watch_; }
  Watch& operator*() const { return *watch_; }
  /// Whether a read may bring something without a wait.
  bool may_read() const { return watch_->readable || watch_->hung_up; }

 private:
  Watch* watch_;
  bool temporary_ = false;
};

/// Waits for an edge, under the mark.
FiberWaiter::Edge FiberWaiter::wait_edge(Fiber& fiber, Watch& watch, Deadline deadline, const WaitMark* mark) {
  const MarkedWait wait(mark);
  if (!wait.allowed()) return Edge::forbidden;
  if (mark == nullptr || mark->interrupt() < 0) return watch.wait_read(deadline) ? Edge::come : Edge::overdue;
  const Registration interrupt(interrupt_, fiber, mark->interrupt(), true);
  if (!interrupt) return Edge::failed;
  watch.end_park_on_read(true);
  interrupt->end_park_on_read(true);
  const bool in_time = fiber.park(deadline);
  watch.end_park_on_read(false);
  interrupt->end_park_on_read(false);
  return interrupt->readable ? Edge::forbidden : in_time ? Edge::come : Edge::overdue;
}

IoResult FiberWaiter::receive(Fiber& fiber, int fd, std::span<std::byte> into, Deadline deadline,
                              const WaitMark* mark) {
  const Registration watch(watch_, fiber, fd, true);
  if (!watch) return {0, last_error()};
  if (into.empty()) return {};
  for (bool overdue = false;;) {
    if (watch.may_read() || overdue) {
      const IoResult result = receive_now(fd, into);
      // Fewer than asked for: nothing is left, and the next edge tells of more. Source: epoll(7).
      watch->readable = result.bytes == into.size();
      if (overdue || !result.error || result.error != std::errc::timed_out) {
        fiber.count_ready_operation(result.bytes);
        return result;
      }
    }
    const Edge edge = wait_edge(fiber, *watch, deadline, mark);
    if (edge == Edge::failed) return {0, last_error()};
    if (edge == Edge::forbidden) return {0, forbidden()};
    overdue = edge == Edge::overdue;
  }
}

IoResult FiberWaiter::send(Fiber& fiber, int fd, std::span<const std::byte> bytes, Deadline deadline) {
  for (;;) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      fiber.count_ready_operation(static_cast<std::size_t>(sent));
      return {static_cast<std::size_t>(sent), {}, IoOperation::send};
    }
    if (errno == EINTR) continue;
    if (!would_block(errno)) return {0, last_error(), IoOperation::send};
    if (deadline.expired()) return {0, timed_out(), IoOperation::send};
    const Registration watch(watch_, fiber, fd, false);
    if (!watch) return {0, last_error(), IoOperation::send};
    (void)watch->wait_write(deadline);
  }
}

std::error_code FiberWaiter::wait_readable(Fiber& fiber, int fd, Deadline deadline, const WaitMark* mark) {
  const Registration watch(watch_, fiber, fd, true);
  if (!watch) return last_error();
  if (watch.may_read()) return {};
  const Edge edge = wait_edge(fiber, *watch, deadline, mark);
  if (edge == Edge::come) return {};
  if (edge == Edge::failed) return last_error();
  if (edge == Edge::forbidden) return forbidden();
  // As everywhere, a deadline that has passed still lets what is there be taken, and the loop may not have looked
  // since.
  return has_input(fd) ? std::error_code() : timed_out();
}

std::error_code FiberWaiter::wait_arrival(Fiber& fiber, int fd, Deadline deadline) {
  const Registration watch(watch_, fiber, fd, true);
  if (!watch) return last_error();
  (void)watch->wait_read(deadline);
  return {};
}

void FiberWaiter::release() noexcept {
  for (std::atomic<Watch*>* const kept : {&watch_, &interrupt_}) {
    if (Watch* watch = kept->exchange(nullptr)) watch->release();
  }
}

}  // namespace socketserver::detail
