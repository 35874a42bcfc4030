#include <socketserver/concurrency/thread_policy.hpp>

#include <limits>
#include <socketserver/base/at_exit.hpp>
#include <utility>

namespace socketserver::detail {

ThreadPolicy::~ThreadPolicy() { join(); }

std::size_t ThreadPolicy::capacity() const noexcept { return std::numeric_limits<std::size_t>::max(); }

void ThreadPolicy::submit(Job job, JobName) {
  join_finished();
  // The lock is held while the thread starts, so that it finds its own entry when it ends.
  const std::lock_guard lock(mutex_);
  const auto self = running_.emplace(running_.end());
  try {
    *self = std::thread([this, self, work = std::move(job)]() mutable {
      const AtExit finish([this, self, &work] {  // also where the job ends its thread
        work = {};                               // what the job owns is destroyed before the thread counts as finished
        const std::lock_guard ended(mutex_);
        finished_.splice(finished_.end(), running_, self);
        if (running_.empty()) all_ended_.notify_all();
      });
      work();
    });
  } catch (...) {
    running_.erase(self);
    throw;
  }
}

void ThreadPolicy::join_finished() {
  Threads finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  for (std::thread& thread : finished) thread.join();
}

void ThreadPolicy::join() {
  {
    std::unique_lock lock(mutex_);
    all_ended_.wait(lock, [this] { return running_.empty(); });
  }
  join_finished();
}

}  // namespace socketserver::detail
