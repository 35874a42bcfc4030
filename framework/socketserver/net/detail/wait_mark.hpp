#pragma once
// How a wait is seen by other threads while it lasts, so that one of them can end it.

#include <atomic>

namespace socketserver::detail {

/// A bit of the owner's state that is set for as long as a receive waits. Another bit forbids such waits. A waiter sets
/// the mark only around what can block, so that an operation that finds its bytes costs nothing. How the wait is ended
/// is the owner's: by what it does to the socket, or, where it can do nothing, by an eventfd that the wait watches too.
class WaitMark {
 public:
  /// @param interrupt  the eventfd, which stays set once it is; -1 for none.
  WaitMark(std::atomic<unsigned>& state, unsigned mark, unsigned forbidden, int interrupt = -1) noexcept
      : state_(state), mark_(mark), forbidden_(forbidden), interrupt_(interrupt) {}

  /// @returns false if the wait must not begin; clear() follows all the same.
  bool set() const noexcept { return (state_.fetch_or(mark_) & forbidden_) == 0; }
  void clear() const noexcept { state_.fetch_and(~mark_); }
  int interrupt() const noexcept { return interrupt_; }

 private:
  std::atomic<unsigned>& state_;
  const unsigned mark_;
  const unsigned forbidden_;
  const int interrupt_;
};

/// A wait under a mark, if there is one, for as long as this lives.
class MarkedWait {
 public:
  explicit MarkedWait(const WaitMark* mark) noexcept : mark_(mark), allowed_(mark == nullptr || mark->set()) {}
  MarkedWait(const MarkedWait&) = delete;
  MarkedWait& operator=(const MarkedWait&) = delete;
  ~MarkedWait() {
    if (mark_ != nullptr) mark_->clear();
  }
  bool allowed() const noexcept { return allowed_; }

 private:
  const WaitMark* const mark_;
  const bool allowed_;
};

}  // namespace socketserver::detail
