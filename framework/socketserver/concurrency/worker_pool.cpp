#include <socketserver/concurrency/detail/worker_pool.hpp>

#include <exception>
#include <utility>

namespace socketserver::detail {

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::start_all() {
  const std::lock_guard lock(mutex_);
  while (threads_.size() < most_threads_) start_one();
}

void WorkerPool::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= idle_ && threads_.size() < most_threads_) {
      try {
        start_one();
      } catch (const std::exception&) {  // no thread, or no memory for one
        if (threads_.empty()) throw;     // else those that run come to it later
      }
    }
    jobs_.push_back(std::move(job));
    ++unfinished_;
  }
  changed_.notify_one();
}

std::size_t WorkerPool::queued() const noexcept {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void WorkerPool::join() {
  std::unique_lock lock(mutex_);
  all_done_.wait(lock, [this] { return unfinished_ == 0; });
}

void WorkerPool::start_one() {
  threads_.emplace_back([this] { work(); });
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = {};
    lock.lock();
    if (--unfinished_ == 0) all_done_.notify_all();
  }
}

}  // namespace socketserver::detail
