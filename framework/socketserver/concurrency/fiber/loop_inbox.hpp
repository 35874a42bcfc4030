#pragma once
// What other threads ask of a loop.

#include <atomic>
#include <mutex>
#include <socketserver/concurrency/linked_queue.hpp>
#include <socketserver/net/file_descriptor.hpp>

namespace socketserver::detail {

class LoopFiber;
class LoopWatch;

/// A stream that was registered with a loop shares its inbox, since the stream may end later than the loop.
/// Threads: post functions from any, the others from the loop.
class LoopInbox {
 public:
  struct Content {
    LinkedQueue<LoopFiber> started;
    LinkedQueue<LoopFiber> woken;
    LinkedQueue<LoopWatch> released;
    bool stopping = false;
  };

  /// @throws std::system_error  no descriptor.
  LoopInbox();
  LoopInbox(const LoopInbox&) = delete;
  LoopInbox& operator=(const LoopInbox&) = delete;

  void start(LoopFiber& fiber) noexcept;
  void wake(LoopFiber& fiber) noexcept;
  /// Ends a registration that the loop may just be dealing with. @param epoll  the loop's.
  void release(LoopWatch& watch, int epoll) noexcept;
  void stop() noexcept;

  /// Readable, edge-triggered, when there is something for a loop that sleeps.
  int descriptor() const noexcept { return wake_.get(); }
  bool filled() const noexcept { return filled_.load(std::memory_order_relaxed); }
  Content take() noexcept;
  /// Whether the loop may wait: who posts from now on will wake it. Either the inbox is seen to be filled here, or the
  /// poster sees that the loop sleeps, since each first says its own and then looks at the other's.
  bool may_sleep() noexcept;
  /// The loop has ended, and with it its epoll descriptor.
  void close() noexcept;

 private:
  template <typename Change>
  void post(Change change) noexcept;

  FileDescriptor wake_;
  std::mutex mutex_;
  Content content_;                    // guarded by mutex_
  bool closed_ = false;                // guarded by mutex_
  std::atomic<bool> filled_{false};    // set after there is something, under the mutex
  std::atomic<bool> sleeping_{false};  // the loop waits, or is about to
};

}  // namespace socketserver::detail
