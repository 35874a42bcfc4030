#pragma once
// The policy "pool": a fixed number of workers, started with the policy, and a bounded queue before them.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <socketserver/concurrency/policy.hpp>
#include <thread>
#include <vector>

namespace socketserver::detail {

class PoolPolicy final : public Policy {
 public:
  /// @throws std::system_error  a worker could not be started; those that were have ended.
  PoolPolicy(std::size_t threads, std::size_t queue);
  ~PoolPolicy() override;

  std::size_t capacity() const noexcept override { return capacity_; }
  std::size_t queued() const noexcept override;
  using Policy::submit;
  void submit(Job job, std::string name) override;
  void join() override;

 private:
  void work();
  void stop() noexcept;

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // a job came, or the end
  std::condition_variable idle_;     // no job is left
  std::deque<Job> jobs_;             // guarded by mutex_, as are the two below
  std::size_t unfinished_ = 0;       // queued and running
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace socketserver::detail
