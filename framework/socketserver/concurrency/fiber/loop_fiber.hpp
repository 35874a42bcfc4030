#pragma once
// A fiber of a loop, and the pool of those that have ended.

#include <memory>
#include <mutex>
#include <set>
#include <socketserver/concurrency/fiber/fiber_context.hpp>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/wait/execution.hpp>
#include <string>
#include <utility>
#include <vector>

namespace socketserver::detail {

class FiberLoop;
class LoopFiber;

/// Which fiber to wake, by time.
using Timers = std::set<std::pair<TimePoint, LoopFiber*>>;

/// Runs one job after the other, each on the loop it was started with.
class LoopFiber final : public Fiber {
 public:
  /// @throws std::system_error  as Stack.
  explicit LoopFiber(std::size_t stack_bytes);
  ~LoopFiber() = default;

  /// @param name  for the log: the handler and its client.
  void assign(Job job, JobName name) noexcept {
    job_ = std::move(job);
    name_ = std::move(name);
  }
  std::string name() const { return name_ ? name_() : std::string(); }

  /// It will run soon.
  void prefetch() const noexcept { context_.prefetch(); }

  bool park(Deadline deadline) override;
  void wake() noexcept override;
  void yield() override;
  void count_ready_operation(std::size_t bytes) override;
  Watch* watch(int descriptor) noexcept override;
  bool shares_loop(const Watch& watch) const noexcept override;
  void offload(Job job) override;
  Loop& loop() noexcept override;
  /// Ends the fiber where it is suspended and frees its stack. For pthread_exit, which would then unwind the loop's
  /// thread; the exception is the thread's own and is not released.
  [[noreturn]] void abandon() noexcept;

  LoopFiber* next = nullptr;  // in the queue that holds it: its loop's or the inbox's

 private:
  friend class FiberLoop;
  enum class State { ready, running, parked, ended, abandoned };
  static void run_jobs(void* self);
  bool used_its_turn(std::size_t bytes);
  void begin_turn() noexcept {
    operations_ = 0;
    turn_bytes_ = 0;
  }

  FiberContext context_;
  Job job_;
  mutable JobName name_;  // calling it has no visible effect
  FiberLoop* loop_ = nullptr;
  Execution execution_{.fiber = this};
  State state_ = State::ready;
  unsigned wakes_ = 0;          // that no park() has returned for
  unsigned operations_ = 0;     // in this turn
  std::size_t turn_bytes_ = 0;  // moved in this turn
  TimePoint turn_seen_{};       // a time in this turn, read at its kOperationsPerLook-th operation
  bool busy_ = false;           // its last turn was long: other fibers run first
  bool timed_out_ = false;
  Deadline deadline_ = Deadline::never();  // of the wait under way
  Timers::node_type spare_timer_;          // while no timer is set: so that setting one cannot fail
  TimePoint timer_ = TimePoint::max();     // when its timer fires; max() for none
};

/// Ended fibers, kept for the next connections, which then need no system call for a stack. Threads: safe to share.
class FiberPool {
 public:
  explicit FiberPool(std::size_t stack_bytes) : stack_bytes_(stack_bytes) { idle_.reserve(kMaxIdleFibers); }

  /// @throws std::system_error  as Stack.
  std::unique_ptr<LoopFiber> take();
  void give_back(std::unique_ptr<LoopFiber> fiber) noexcept;

 private:
  // Beyond this number, the memory of ended fibers goes back to the system.
  static constexpr std::size_t kMaxIdleFibers = 1024;

  const std::size_t stack_bytes_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<LoopFiber>> idle_;  // guarded by mutex_; the last one's stack is the warmest
};

}  // namespace socketserver::detail
