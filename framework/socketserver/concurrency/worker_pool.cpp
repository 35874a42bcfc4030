#include <socketserver/concurrency/worker_pool.hpp>

#include <algorithm>
#include <exception>
#include <socketserver/base/at_exit.hpp>
#include <utility>

namespace socketserver::detail {

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  for (std::thread& thread : ended_) thread.join();
}

void WorkerPool::start_all() {
  const std::lock_guard lock(mutex_);
  while (threads_.size() < most_threads_) start_one();
}

void WorkerPool::submit(Job job) {
  std::list<std::thread> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_);
    if (jobs_.size() >= idle_ && threads_.size() < most_threads_) {
      try {
        start_one();
      } catch (const std::exception&) {  // no thread, or no memory for one
        if (threads_.empty()) throw;     // otherwise a running thread takes the job later
      }
    }
    jobs_.push_back(std::move(job));
    ++unfinished_;
  }
  changed_.notify_one();
  for (std::thread& thread : ended) thread.join();
}

std::size_t WorkerPool::queued() const noexcept {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

std::size_t WorkerPool::running() const noexcept {
  const std::lock_guard lock(mutex_);
  return unfinished_ - jobs_.size();
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
    bool returned = false;
    {
      const AtExit finish([this, &lock, &job, &returned] {
        job = {};
        lock.lock();
        if (--unfinished_ == 0) all_done_.notify_all();
        if (!returned) replace_this_one();
      });
      job();
      returned = true;
    }
  }
}

/// A job has ended its thread. Where no other can be started, the next job that is submitted tries again.
void WorkerPool::replace_this_one() noexcept {
  const auto is_this = [](const std::thread& thread) { return thread.get_id() == std::this_thread::get_id(); };
  ended_.splice(ended_.end(), threads_, std::find_if(threads_.begin(), threads_.end(), is_this));
  try {
    start_one();
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace socketserver::detail
