#pragma once
// One thread that runs many fibers: it waits for their descriptors, their deadlines and other threads' calls, all in
// one epoll_wait(2), and resumes the fibers that are ready.

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <socketserver/concurrency/fiber/loop_fiber.hpp>
#include <socketserver/concurrency/fiber/loop_inbox.hpp>
#include <socketserver/concurrency/fiber/stack_overflow.hpp>
#include <socketserver/concurrency/linked_queue.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <socketserver/wait/execution.hpp>
#include <string>
#include <thread>
#include <utility>

namespace socketserver::detail {

class WorkerPool;
class LoopWatch;
class LoopWatchdog;

/// Threads: start, wake and load from any; all else is the loop's own and its fibers'.
class FiberLoop final : public Loop {
 public:
  /// @throws std::system_error  no descriptor or thread.
  FiberLoop(FiberPool& fibers, WorkerPool& blocking);
  FiberLoop(const FiberLoop&) = delete;
  FiberLoop& operator=(const FiberLoop&) = delete;
  /// Waits for all fibers to end.
  ~FiberLoop();

  /// Runs the job on the fiber.
  void start(std::unique_ptr<LoopFiber> fiber) noexcept;
  void start(Job job) override;
  /// Fibers that have been started and have not ended.
  std::size_t load() const noexcept { return load_.load(std::memory_order_relaxed); }
  /// Wakes a fiber of this loop. See Fiber::wake().
  void wake(LoopFiber& fiber) noexcept;

  // For the watchdog. Threads: any.
  struct Progress {
    std::uint64_t resumes = 0;
    bool running = false;
  };
  Progress progress() const noexcept;
  /// @returns the name of the fiber that runs, if it is still the one of that count.
  std::optional<std::string> name_of_running(std::uint64_t resumes) const;
  void set_watchdog(LoopWatchdog* watchdog) noexcept { watchdog_ = watchdog; }

  // For fibers of this loop.
  bool park(LoopFiber& fiber, Deadline deadline);
  void yield(LoopFiber& fiber);
  /// As yield(), but fibers that wait for the network run first.
  void give_way(LoopFiber& fiber);
  Watch* watch(int descriptor) noexcept;
  void defer_delete(LoopWatch& watch) noexcept;
  LoopFiber& running() noexcept { return *running_.load(std::memory_order_relaxed); }
  bool owns(const LoopWatch& watch) const noexcept;
  bool is_here() const noexcept;
  WorkerPool& blocking() noexcept { return blocking_; }

 private:
  void run() noexcept;
  void take_inbox();
  void run_ready();
  void run_busy();
  void resume_or_queue(LoopFiber& fiber);
  void queue(LoopFiber& fiber) noexcept;
  void wait_for_events();
  void prefetch(int next, int count) const noexcept;
  void handle_event(const epoll_event& event);
  void fire_timers();
  void arm(LoopFiber& fiber, TimePoint time) noexcept;
  void disarm(LoopFiber& fiber) noexcept;
  void resume(LoopFiber& fiber);
  void end(LoopFiber& fiber);

  FiberPool& fibers_;
  WorkerPool& blocking_;
  FileDescriptor epoll_;
  // Shared with the watches: a stream may outlive the loop that it was registered with.
  std::shared_ptr<LoopInbox> inbox_ = std::make_shared<LoopInbox>();
  std::atomic<std::size_t> load_{0};

  Timers timers_;                    // at most one a fiber: at its deadline, or before it
  LinkedQueue<LoopFiber> ready_;     // to be resumed in this order
  LinkedQueue<LoopFiber> busy_;      // the same, after those of ready_ and of the events: their last turns were long
  LinkedQueue<LoopWatch> deferred_;  // kept until no event of the batch can name them
  std::array<epoll_event, 256> events_{};
  std::atomic<LoopFiber*> running_{nullptr};
  std::atomic<std::uint64_t> resumes_{0};
  std::atomic<LoopWatchdog*> watchdog_{nullptr};
  mutable std::mutex ending_;           // held while a running fiber's name is read, and before a fiber is given back
  TimePoint fired_ = TimePoint::min();  // timers up to this time have fired
  bool stopping_ = false;
  StackOverflowReports overflow_reports_;
  std::thread thread_;  // last: it uses all the others
};

/// A registration. An event carries its address.
class LoopWatch final : public Watch {
 public:
  LoopWatch(FiberLoop& loop, std::shared_ptr<LoopInbox> inbox, int descriptor, int epoll)
      : loop_(loop), inbox_(std::move(inbox)), descriptor_(descriptor), epoll_(epoll) {}
  /// @returns false if it could not be registered, with errno set.
  bool add() noexcept;

  bool wait_read(Deadline deadline) override { return wait(reader_, deadline); }
  bool wait_write(Deadline deadline) override { return wait(writer_, deadline); }
  void end_park_on_read(bool on) noexcept override { reader_ = on ? &loop_.running() : nullptr; }
  void release() noexcept override;
  /// Whether it is registered with the loop: by the inbox, which no other loop has, not even one that came later.
  bool is_with(const std::shared_ptr<LoopInbox>& inbox) const noexcept { return inbox_ == inbox; }
  int descriptor() const noexcept { return descriptor_; }

  LoopWatch* next = nullptr;  // in the queue that holds it

 private:
  friend class FiberLoop;
  bool wait(LoopFiber*& slot, Deadline deadline);

  FiberLoop& loop_;  // for its fibers, while it lives
  const std::shared_ptr<LoopInbox> inbox_;
  int descriptor_;
  FileDescriptor copy_;  // of a descriptor that is registered already; epoll(7) tells them apart by number
  const int epoll_;
  LoopFiber* reader_ = nullptr;
  LoopFiber* writer_ = nullptr;
};

}  // namespace socketserver::detail
