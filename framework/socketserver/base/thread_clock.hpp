#pragma once
// Another clock in the place of the steady one, as a simulation needs it.

#include <socketserver/base/clock.hpp>
#include <socketserver/base/visibility.hpp>

namespace socketserver::detail {

/// While it lives, steady_clock() is the given clock on this thread, and so is every deadline that is made here.
class SOCKETSERVER_PUBLIC ThreadClock {
 public:
  explicit ThreadClock(const Clock& clock) noexcept;
  ThreadClock(const ThreadClock&) = delete;
  ThreadClock& operator=(const ThreadClock&) = delete;
  ~ThreadClock();

 private:
  const Clock* const before_;
};

}  // namespace socketserver::detail
