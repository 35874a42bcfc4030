#pragma once
// How many log lines of a kind a second has: what peers cause again and again must not fill a disk.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <socketserver/base/clock.hpp>
#include <utility>

namespace socketserver::detail {

/// Lets kLinesPerSecond lines a second through, or as many as it is made with, and counts the others. Threads: safe to
/// share.
class LineBudget {
 public:
  static constexpr int kLinesPerSecond = 10;

  explicit LineBudget(const Clock& clock = steady_clock(), int lines = kLinesPerSecond)
      : clock_(clock), lines_(lines) {}

  struct Answer {
    bool write;              // the line may be written
    std::uint64_t withheld;  // before it, since the last one that was written; 0 if it may not
  };
  /// Asks for one line.
  Answer ask() {
    const std::lock_guard lock(mutex_);
    const TimePoint now = clock_.now();
    if (now >= ends_) {
      ends_ = now + std::chrono::seconds(1);
      left_ = lines_;
    }
    if (left_ == 0) {
      ++withheld_;
      return {false, 0};
    }
    --left_;
    return {true, std::exchange(withheld_, 0)};
  }
  /// @returns the lines that this second has had.
  int used() const {
    const std::lock_guard lock(mutex_);
    return clock_.now() < ends_ ? lines_ - left_ : 0;
  }
  /// @returns how many are withheld and not told of yet, which this does.
  std::uint64_t take_withheld() {
    const std::lock_guard lock(mutex_);
    return std::exchange(withheld_, 0);
  }

 private:
  const Clock& clock_;
  const int lines_;  // a second
  mutable std::mutex mutex_;
  TimePoint ends_ = TimePoint::min();  // of the second; guarded by mutex_, as is all below
  int left_ = 0;
  std::uint64_t withheld_ = 0;
};

}  // namespace socketserver::detail
