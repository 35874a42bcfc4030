#pragma once

#include <mutex>
#include <socketserver/concurrency/sync.hpp>

namespace testing_support {

/// Something that happens once, for which threads and fibers may wait.
class Event {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    is_set_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_set_; });
  }

 private:
  socketserver::Mutex mutex_;
  socketserver::ConditionVariable changed_;
  bool is_set_ = false;
};

}  // namespace testing_support
