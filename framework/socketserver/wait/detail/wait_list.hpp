#pragma once
// Threads and fibers that wait for a change under a mutex: a condition variable for both.

#include <mutex>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/visibility.hpp>

namespace socketserver::detail {

/// First come, first served. The mutex itself is only ever held for moments, so that a fiber may block on it.
/// Threads: every call holds the same mutex.
class SOCKETSERVER_PUBLIC WaitList {
 public:
  WaitList() = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  /// Releases the mutex while it waits. @param deadline  of the steady clock. @returns whether it was notified first.
  bool wait(std::unique_lock<std::mutex>& lock, Deadline deadline = Deadline::never());
  /// Waits until the predicate holds. @returns false if it does not at the deadline.
  template <typename Predicate>
  bool wait_for(std::unique_lock<std::mutex>& lock, Deadline deadline, Predicate holds) {
    while (!holds()) {
      if (!wait(lock, deadline)) return holds();
    }
    return true;
  }

  /// @returns false if there is no waiter. A notified waiter returns true even if its deadline expires at the same
  /// time.
  bool notify_one() noexcept;
  void notify_all() noexcept;

 private:
  struct Waiter;
  void remove(Waiter& waiter) noexcept;

  Waiter* first_ = nullptr;  // each lives on its waiter's stack
  Waiter* last_ = nullptr;
};

}  // namespace socketserver::detail
