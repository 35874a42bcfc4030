#pragma once
// Requests from other threads to a loop.

#include <atomic>
#include <mutex>
#include <socketserver/concurrency/linked_queue.hpp>
#include <socketserver/net/file_descriptor.hpp>

namespace socketserver::detail {

class LoopFiber;
class LoopWatch;

/// A stream that was registered with a loop shares its inbox, since the stream may outlive the loop.
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
  /// Ends a registration whose events the loop may be handling. @param epoll  the loop's.
  void release(LoopWatch& watch, int epoll) noexcept;
  void stop() noexcept;

  /// Readable, edge-triggered, when there is something for a loop that sleeps.
  int descriptor() const noexcept { return wake_.get(); }
  bool filled() const noexcept { return filled_.load(std::memory_order_relaxed); }
  Content take() noexcept;
  /// Announces that the loop is about to block. Each side stores its own flag before it loads the other's (seq_cst), so
  /// either this call sees the post, or the poster sees the flag and wakes the loop. @returns false if the inbox is
  /// filled.
  bool prepare_to_block() noexcept;
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
