#pragma once
// The policy "fiber": loops that each run many connections, a fiber for every one.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <socketserver/concurrency/fiber/fiber_loop.hpp>
#include <socketserver/concurrency/fiber/loop_watchdog.hpp>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/concurrency/worker_pool.hpp>
#include <vector>

namespace socketserver::detail {

class FiberPolicy final : public Policy {
 public:
  /// @param log  null to be silent. @throws std::system_error  a loop could not be started.
  FiberPolicy(std::size_t loops, std::size_t stack_bytes, Logger* log);
  ~FiberPolicy() override { join(); }

  std::size_t capacity() const noexcept override;
  std::string_view capacity_reason() const noexcept override;
  std::string describe() const override;
  std::vector<Budget> budgets() const override;
  using Policy::submit;
  void submit(Job job, JobName name) override;
  /// A single loop also accepts: otherwise each connection would cost a thread switch. With several loops none accepts,
  /// so that a handler that blocks one of them does not keep connections from the others.
  void run_accept_loop(Job loop) override;
  void join() override;

 private:
  void ended() noexcept;

  std::mutex mutex_;
  std::condition_variable all_ended_;
  std::size_t unfinished_ = 0;  // guarded by mutex_
  const std::size_t stack_bytes_;
  FiberPool fibers_;
  std::vector<std::unique_ptr<FiberLoop>> loops_;
  std::optional<LoopWatchdog> watchdog_;
  WorkerPool blocking_;
};

}  // namespace socketserver::detail
