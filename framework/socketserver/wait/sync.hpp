#pragma once
// Mutual exclusion and waiting under every policy: these block a thread and suspend a fiber, whose loop then runs
// others. A std::mutex that is held across a wait (a sendall, a read, a sleep) would stop a fiber's whole loop.

#include <mutex>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/visibility.hpp>
#include <socketserver/wait/detail/wait_list.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

/// A mutex for std::lock_guard and std::unique_lock: first come, first served. Not recursive. Threads and fibers: safe
/// to share.
class Mutex {
 public:
  /// Waits, without a bound, until the mutex is the caller's.
  void lock();
  /// @returns whether the mutex is the caller's now.
  bool try_lock() noexcept;
  /// Hands it to the longest waiter, if there is one.
  void unlock() noexcept;

 private:
  std::mutex guard_;  // held for moments only
  bool locked_ = false;
  detail::WaitList waiters_;
};

/// As std::condition_variable_any, without spurious wake-ups; but it must outlive the waits on it, also those that have
/// been notified. Threads and fibers: safe to share.
class ConditionVariable {
 public:
  /// Gives the mutex up while it waits.
  void wait(std::unique_lock<Mutex>& lock) { (void)wait_until(lock, Deadline::never()); }
  /// Waits until the predicate holds, which is called with the mutex held.
  template <typename Predicate>
  void wait(std::unique_lock<Mutex>& lock, Predicate holds) {
    (void)wait_until(lock, Deadline::never(), holds);
  }
  /// @param deadline  of the steady clock. @returns false if it came first.
  bool wait_until(std::unique_lock<Mutex>& lock, Deadline deadline);
  /// @returns whether the predicate holds, also when it does so only at the deadline.
  template <typename Predicate>
  bool wait_until(std::unique_lock<Mutex>& lock, Deadline deadline, Predicate holds) {
    while (!holds()) {
      if (!wait_until(lock, deadline)) return holds();
    }
    return true;
  }
  /// The same for this time from now.
  template <typename Predicate>
  bool wait_for(std::unique_lock<Mutex>& lock, Duration time, Predicate holds) {
    return wait_until(lock, Deadline::after(time), holds);
  }

  /// Wakes the longest waiter. The mutex need not be held.
  void notify_one() noexcept;
  /// Wakes all that wait now.
  void notify_all() noexcept;

 private:
  std::mutex guard_;
  detail::WaitList waiters_;
};

/// Waits at least this long.
void sleep_for(Duration time);

}  // namespace socketserver
