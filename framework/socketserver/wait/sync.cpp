#include <socketserver/wait/sync.hpp>

#include <socketserver/wait/execution.hpp>
#include <thread>
#include <utility>

namespace socketserver {

void Mutex::lock() {
  std::unique_lock guard(guard_);
  if (std::exchange(locked_, true)) (void)waiters_.wait(guard);  // unlock() hands it over still locked
}

bool Mutex::try_lock() noexcept {
  const std::lock_guard guard(guard_);
  return !std::exchange(locked_, true);
}

void Mutex::unlock() noexcept {
  const std::lock_guard guard(guard_);
  locked_ = waiters_.notify_one();  // to the longest waiter: otherwise this fiber could take it again first
}

bool ConditionVariable::wait_until(std::unique_lock<Mutex>& lock, Deadline deadline) {
  // guard_ is taken before the mutex is released, so a notification after the release finds the waiter.
  std::unique_lock guard(guard_);
  lock.unlock();
  const bool notified = waiters_.wait(guard, deadline);
  guard.unlock();
  lock.lock();
  return notified;
}

void ConditionVariable::notify_one() noexcept {
  const std::lock_guard guard(guard_);
  waiters_.notify_one();
}

void ConditionVariable::notify_all() noexcept {
  const std::lock_guard guard(guard_);
  waiters_.notify_all();
}

void sleep_for(Duration time) {
  if (detail::Fiber* fiber = detail::current_fiber()) {
    (void)fiber->park(Deadline::after(time));
  } else {
    std::this_thread::sleep_for(time);
  }
}

}  // namespace socketserver
