#pragma once
// The policy "pool": a fixed number of workers, started with the policy, and a bounded queue before them.

#include <socketserver/concurrency/policy.hpp>
#include <socketserver/concurrency/worker_pool.hpp>
#include <utility>

namespace socketserver::detail {

class PoolPolicy final : public Policy {
 public:
  /// @throws std::system_error  a worker could not be started; those that were have ended.
  PoolPolicy(std::size_t threads, std::size_t queue) : threads_(threads), queue_(queue), workers_(threads) {
    workers_.start_all();
  }

  std::size_t capacity() const noexcept override { return threads_ + queue_; }
  std::string describe() const override;
  bool starts_on_input() const noexcept override { return true; }
  std::size_t queued() const noexcept override { return workers_.queued(); }
  std::vector<Budget> budgets() const override { return {{"queue", queued(), queue_}}; }
  using Policy::submit;
  void submit(Job job, JobName /*name*/) override { workers_.submit(std::move(job)); }
  void join() override { workers_.join(); }

 private:
  const std::size_t threads_;
  const std::size_t queue_;
  WorkerPool workers_;
};

}  // namespace socketserver::detail
