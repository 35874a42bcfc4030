#pragma once
// Waiting for several descriptors at once: by poll(2) on a thread, by the loop on a fiber.

#include <poll.h>

#include <cstddef>
#include <memory>
#include <socketserver/base/deadline.hpp>
#include <span>
#include <vector>

namespace socketserver::detail {

class Fiber;
class Watch;

struct ReleaseWatch {
  void operator()(Watch* watch) const noexcept;
};
/// A registration with a loop, which ends with it.
using OwnedWatch = std::unique_ptr<Watch, ReleaseWatch>;

/// Descriptors that are waited for again and again, to become readable. On a fiber their registrations are kept between
/// waits, and a wait that finds one of them readable costs no system call. Threads: one at a time.
class WaitSet {
 public:
  /// @returns its place; the descriptor's readiness is not known yet, and counts as given.
  std::size_t add(int descriptor);
  /// Another descriptor takes the place, or none (-1). Before the old one is closed.
  void replace(std::size_t place, int descriptor) noexcept;

  /// Waits until one of the first `count` descriptors is readable. On a fiber the others of its loop have their turn
  /// before each return that finds one. @returns false if the deadline passed first. @throws std::system_error.
  bool wait(std::size_t count, Deadline deadline);

  /// Whether it may be readable: until clear() says that nothing was there.
  bool ready(std::size_t place) const noexcept { return members_[place].ready; }
  void set_ready(std::size_t place) noexcept { members_[place].ready = members_[place].descriptor >= 0; }
  void clear(std::size_t place) noexcept;

 private:
  struct Member {
    int descriptor = -1;
    bool ready = true;
    OwnedWatch watch{};  // with the loop of the fiber that waited last
  };
  bool wait_on_thread(std::span<Member> members, Deadline deadline);
  static bool wait_on_fiber(Fiber& fiber, std::span<Member> members, Deadline deadline);
  static bool look(Fiber& fiber, Member& member);

  std::vector<Member> members_;
  std::vector<pollfd> polled_;  // for wait_on_thread()
};

/// poll(2) for a few descriptors that are waited for once. @returns as poll(2), 0 past the deadline.
/// @throws std::system_error.
int poll_any(std::span<pollfd> descriptors, Deadline deadline);

}  // namespace socketserver::detail
