#include <socketserver/wait/detail/wait_list.hpp>

#include <condition_variable>
#include <socketserver/wait/execution.hpp>

namespace socketserver::detail {

struct WaitList::Waiter {
  Fiber* fiber = nullptr;        // null for a thread
  std::condition_variable wake;  // a thread's
  bool notified = false;
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
};

bool WaitList::wait(std::unique_lock<std::mutex>& lock, Deadline deadline) {
  Waiter waiter;
  waiter.fiber = current_fiber();
  waiter.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &waiter;
  last_ = &waiter;

  if (waiter.fiber == nullptr) {
    const auto notified = [&waiter] { return waiter.notified; };
    if (deadline.is_never()) {
      waiter.wake.wait(lock, notified);
    } else {
      waiter.wake.wait_until(lock, deadline.time(), notified);
    }
  } else {
    lock.unlock();
    const bool woken = waiter.fiber->park(deadline);
    lock.lock();
    if (waiter.notified && !woken) {  // notified at the deadline: the wake-up is still pending
      lock.unlock();
      (void)waiter.fiber->park(Deadline::never());
      lock.lock();
    }
  }
  if (!waiter.notified) remove(waiter);
  return waiter.notified;
}

void WaitList::remove(Waiter& waiter) noexcept {
  (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
  (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
}

bool WaitList::notify_one() noexcept {
  if (first_ == nullptr) return false;
  Waiter& waiter = *first_;
  remove(waiter);
  waiter.notified = true;  // it stays alive until it has the mutex again
  if (waiter.fiber != nullptr) {
    waiter.fiber->wake();
  } else {
    waiter.wake.notify_one();
  }
  return true;
}

void WaitList::notify_all() noexcept {
  while (notify_one()) {
  }
}

}  // namespace socketserver::detail
