#pragma once
// The one type for "until when": a point on the steady clock, or never.
// A function that can block takes one, so a chain of calls shares a single bound.

#include <compare>
#include <optional>
#include <socketserver/base/clock.hpp>
#include <socketserver/base/visibility.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

/// A value; copies are independent. Deadlines order by time, never() last.
class Deadline {
 public:
  /// No bound: later than every other.
  static constexpr Deadline never() noexcept { return Deadline{TimePoint::max()}; }
  /// Always over: what cannot be done without a wait is not done.
  static constexpr Deadline at_once() noexcept { return Deadline{TimePoint::min()}; }
  /// Over from this time on.
  static constexpr Deadline at(TimePoint time) noexcept { return Deadline{time}; }

  /// @returns now + timeout, never() for nullopt or where the sum would overflow; a negative one is already over.
  static Deadline after(std::optional<Duration> timeout, const Clock& clock = steady_clock()) noexcept {
    if (!timeout) return never();
    const TimePoint now = clock.now();
    return *timeout >= TimePoint::max() - now ? never() : Deadline{now + *timeout};
  }

  /// Whether there is no bound.
  constexpr bool is_never() const noexcept { return time_ == TimePoint::max(); }
  /// @returns the point itself: TimePoint::max() for never(), TimePoint::min() for at_once().
  constexpr TimePoint time() const noexcept { return time_; }
  /// Whether the time has come, as it always has for at_once() and never for never().
  bool expired(const Clock& clock = steady_clock()) const noexcept {
    return time_ == TimePoint::min() || (!is_never() && clock.now() >= time_);
  }
  /// @returns the time left, zero when expired, Duration::max() for never().
  Duration remaining(const Clock& clock = steady_clock()) const noexcept {
    if (is_never()) return Duration::max();
    if (time_ == TimePoint::min()) return Duration::zero();
    const TimePoint now = clock.now();
    return now >= time_ ? Duration::zero() : time_ - now;
  }

  /// By time: at_once() is the least, never() the greatest.
  friend constexpr auto operator<=>(const Deadline&, const Deadline&) = default;

 private:
  explicit constexpr Deadline(TimePoint time) noexcept : time_(time) {}
  TimePoint time_;
};

}  // namespace socketserver
