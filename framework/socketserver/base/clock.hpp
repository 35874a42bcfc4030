#pragma once
// The time that deadlines are measured on: the steady clock, or one that a test turns by hand.
// Only main and test fixtures choose a clock; everything else is given one.

#include <atomic>
#include <chrono>
#include <socketserver/base/visibility.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

/// A length of time, as every timeout is one: in ticks of the steady clock, nanoseconds on Linux.
using Duration = std::chrono::steady_clock::duration;
/// A point on the steady clock. It says nothing of the time of day.
using TimePoint = std::chrono::steady_clock::time_point;

/// A source of time that never goes back. Threads: now() may be called from any.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  /// @returns never less than a call before it did.
  virtual TimePoint now() const noexcept = 0;
};

/// @returns the system's steady clock, which a change of the wall clock does not move.
const Clock& steady_clock() noexcept;

/// A clock that stands still until it is advanced: a test of a 60-second timeout takes no time.
class ManualClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return TimePoint{Duration{ticks_.load()}}; }
  /// Moves now() forward, by zero or more. Threads: any.
  void advance(Duration by) noexcept { ticks_.fetch_add(by.count()); }

 private:
  std::atomic<Duration::rep> ticks_{0};
};

}  // namespace socketserver
