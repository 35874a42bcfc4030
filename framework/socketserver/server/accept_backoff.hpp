#pragma once
// What the accept loop does about failed accepts: how long to wait, and when to say something.

#include <cstdint>
#include <socketserver/base/deadline.hpp>
#include <socketserver/net/accept_error.hpp>
#include <socketserver/observe/log.hpp>

namespace socketserver::detail {

/// After a failure for lack of resources, and after the second failure of any kind in a row, waits 5 ms, doubling to
/// 1 s: an error that repeats, as EPERM of a firewall, must not spin. Writes one log line a second at most.
/// Threads: the accept loop's.
class AcceptBackoff {
 public:
  AcceptBackoff(Logger& log, const Clock& clock = steady_clock()) : log_(log), clock_(clock) {}

  /// @throws std::system_error  the error is fatal.
  void failed(std::error_code error);
  void succeeded() noexcept {
    delay_ = Duration::zero();
    failures_ = 0;
  }
  /// Whether accept fails again and again for a reason that is no lack of resources: a stop does not wait for it.
  bool lasts() const noexcept;
  /// When to try again; in the past if there is no need to wait.
  Deadline retry_at() const noexcept { return retry_at_; }
  void retry_now() noexcept { retry_at_ = Deadline::at(TimePoint::min()); }

 private:
  Logger& log_;
  const Clock& clock_;
  Duration delay_{};
  int failures_ = 0;  // in a row; a lack of resources, which passes, counts as one
  Deadline retry_at_ = Deadline::at(TimePoint::min());
  Deadline quiet_until_ = Deadline::at(TimePoint::min());
  std::uint64_t unsaid_ = 0;
};

}  // namespace socketserver::detail
