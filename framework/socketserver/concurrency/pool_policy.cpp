#include <socketserver/concurrency/detail/pool_policy.hpp>

#include <utility>

namespace socketserver::detail {

PoolPolicy::PoolPolicy(std::size_t threads, std::size_t queue) : capacity_(threads + queue) {
  workers_.reserve(threads);
  try {
    while (workers_.size() < threads) workers_.emplace_back([this] { work(); });
  } catch (...) {
    stop();
    throw;
  }
}

PoolPolicy::~PoolPolicy() { stop(); }

std::size_t PoolPolicy::queued() const noexcept {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void PoolPolicy::submit(Job job, std::string) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    ++unfinished_;
  }
  changed_.notify_one();
}

void PoolPolicy::join() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return unfinished_ == 0; });
}

void PoolPolicy::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = {};
    lock.lock();
    if (--unfinished_ == 0) idle_.notify_all();
  }
}

void PoolPolicy::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

}  // namespace socketserver::detail
