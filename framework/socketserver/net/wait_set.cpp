#include <socketserver/net/wait_set.hpp>

#include <algorithm>
#include <cerrno>
#include <socketserver/base/kernel_timeout.hpp>
#include <socketserver/base/last_error.hpp>
#include <socketserver/wait/execution.hpp>

namespace socketserver::detail {
namespace {

constexpr Duration kLookAtOthers = std::chrono::milliseconds(20);

/// @returns 0 past the deadline.
int poll_on_thread(std::span<pollfd> descriptors, Deadline deadline) {
  for (;;) {
    const int ready = ::poll(descriptors.data(), descriptors.size(), kernel_timeout(deadline));
    if (ready < 0 && errno != EINTR) throw_last_error("poll");
    if (ready > 0) return ready;
    if (deadline.expired()) return 0;
  }
}

OwnedWatch registered(Fiber& fiber, int descriptor) {
  OwnedWatch watch(fiber.watch(descriptor));
  if (watch == nullptr) throw_last_error("epoll_ctl");
  return watch;
}

/// A fiber waits for one descriptor here, and what wakes it may be something else.
void suspend(Fiber& fiber, const pollfd& wanted, Deadline deadline) {
  const OwnedWatch watch = registered(fiber, wanted.fd);
  (void)((wanted.events & POLLOUT) != 0 ? watch->wait_write(deadline) : watch->wait_read(deadline));
}

}  // namespace

void ReleaseWatch::operator()(Watch* watch) const noexcept { watch->release(); }

std::size_t WaitSet::add(int descriptor) {
  members_.push_back({.descriptor = descriptor});
  polled_.resize(members_.size());
  return members_.size() - 1;
}

void WaitSet::replace(std::size_t place, int descriptor) noexcept {
  members_[place] = {.descriptor = descriptor, .ready = descriptor >= 0};
}

void WaitSet::clear(std::size_t place) noexcept {
  Member& member = members_[place];
  member.ready = false;
  const Fiber* const fiber = current_fiber();
  // The next edge tells more. Another thread's watch is its loop's.
  if (fiber != nullptr && member.watch != nullptr && fiber->shares_loop(*member.watch)) member.watch->readable = false;
}

bool WaitSet::wait(std::size_t count, Deadline deadline) {
  const std::span members(members_.data(), count);
  if (Fiber* const fiber = current_fiber()) return wait_on_fiber(*fiber, members, deadline);
  return wait_on_thread(members, deadline);
}

bool WaitSet::wait_on_thread(std::span<Member> members, Deadline deadline) {
  const std::span polled(polled_.data(), members.size());
  for (std::size_t i = 0; i < members.size(); ++i) polled[i] = {members[i].descriptor, POLLIN, 0};
  const bool found = poll_on_thread(polled, deadline) > 0;
  for (std::size_t i = 0; i < members.size(); ++i) members[i].ready = polled[i].revents != 0;
  return found;
}

/// Registers the member with the fiber's loop if it is not. @returns whether it is readable.
bool WaitSet::look(Fiber& fiber, Member& member) {
  if (member.descriptor < 0) return false;
  if (member.watch == nullptr || !fiber.shares_loop(*member.watch)) {
    member.watch = registered(fiber, member.descriptor);
    pollfd now{.fd = member.descriptor, .events = POLLIN, .revents = 0};  // the loop has not looked yet
    member.watch->readable = ::poll(&now, 1, 0) > 0;
  }
  member.ready = member.watch->readable || member.watch->hung_up;
  return member.ready;
}

bool WaitSet::wait_on_fiber(Fiber& fiber, std::span<Member> members, Deadline deadline) {
  const auto end_park = [members](bool on) {
    for (Member& member : members) {
      if (member.watch != nullptr) member.watch->end_park_on_read(on);
    }
  };
  for (bool in_time = true, waited = false;; waited = true) {
    bool found = false;
    for (Member& member : members) found = look(fiber, member) || found;
    if (found && !waited) fiber.yield();
    if (found) return true;
    if (!in_time || deadline.expired()) return false;
    end_park(true);
    in_time = fiber.park(deadline);
    end_park(false);
  }
}

int poll_any(std::span<pollfd> descriptors, Deadline deadline) {
  Fiber* const fiber = current_fiber();
  if (fiber == nullptr) return poll_on_thread(descriptors, deadline);
  for (;;) {
    const int ready = poll_on_thread(descriptors, Deadline::at_once());
    if (ready > 0 || deadline.expired()) return ready;
    const Deadline look = descriptors.size() == 1 ? deadline : std::min(deadline, Deadline::after(kLookAtOthers));
    suspend(*fiber, descriptors.back(), look);
  }
}

}  // namespace socketserver::detail
