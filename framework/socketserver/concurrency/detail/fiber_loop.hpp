#pragma once
// One thread that runs many fibers: it waits for their descriptors, their deadlines and other threads' calls, all in
// one epoll_wait(2), and resumes whoever can go on.

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <socketserver/base/detail/fiber.hpp>
#include <socketserver/concurrency/detail/loop_fiber.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace socketserver::detail {

class BlockingPool;
class LoopWatch;
class LoopWatchdog;

/// Threads: start, post and load from any; all else is the loop's own and its fibers'.
class FiberLoop {
 public:
  /// @throws std::system_error  no descriptor or thread.
  FiberLoop(FiberPool& fibers, BlockingPool& blocking);
  FiberLoop(const FiberLoop&) = delete;
  FiberLoop& operator=(const FiberLoop&) = delete;
  /// Waits for all fibers to end.
  ~FiberLoop();

  /// Runs the job on the fiber.
  void start(std::unique_ptr<LoopFiber> fiber);
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
  Watch& watch(int descriptor);
  void release(LoopWatch& watch) noexcept;
  LoopFiber& running() noexcept { return *running_.load(std::memory_order_relaxed); }
  bool is_here() const noexcept;
  BlockingPool& blocking() noexcept { return blocking_; }

 private:
  // What other threads ask for.
  struct Inbox {
    std::mutex mutex;
    std::vector<std::unique_ptr<LoopFiber>> started;  // guarded by mutex, as all below
    std::vector<LoopFiber*> woken;
    std::vector<LoopWatch*> released;
    bool stopping = false;
    std::atomic<bool> filled{false};    // there is something in it; set after it is, under the mutex
    std::atomic<bool> sleeping{false};  // the loop waits, or is about to, and has to be told
  };
  using Timer = std::pair<TimePoint, LoopFiber*>;

  void run() noexcept;
  void take_inbox();
  template <typename Change>
  void post(Change change) noexcept;
  void run_ready();
  void wait_for_events();
  int wait_milliseconds() const;
  bool may_sleep() noexcept;
  void prefetch(int next, int count) const noexcept;
  void deal_with(const epoll_event& event);
  void fire_timers();
  void arm(LoopFiber& fiber, TimePoint time);
  void disarm(LoopFiber& fiber);
  void resume(LoopFiber& fiber);
  void end(LoopFiber& fiber);

  FiberPool& fibers_;
  BlockingPool& blocking_;
  FileDescriptor epoll_;
  FileDescriptor wake_;
  Inbox inbox_;
  std::atomic<std::size_t> load_{0};

  std::set<Timer> timers_;                           // at most one a fiber: at its deadline, or before it
  std::vector<LoopFiber*> ready_;                    // to be resumed in this order
  std::vector<LoopFiber*> turn_;                     // those of ready_ whose turn it is
  std::vector<std::unique_ptr<LoopWatch>> retired_;  // kept until no event of the batch can name them
  std::array<epoll_event, 256> events_{};
  std::atomic<LoopFiber*> running_{nullptr};
  std::atomic<std::uint64_t> resumes_{0};
  std::atomic<LoopWatchdog*> watchdog_{nullptr};
  mutable std::mutex ending_;  // held by who reads a running fiber's name, and before one is given back
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all the others
};

/// A registration. An event carries its address.
class LoopWatch final : public Watch {
 public:
  LoopWatch(FiberLoop& loop, int descriptor) : loop_(loop), descriptor_(descriptor) {}

  bool wait_read(Deadline deadline) override { return wait(reader_, deadline); }
  bool wait_write(Deadline deadline) override { return wait(writer_, deadline); }
  void release() noexcept override { loop_.release(*this); }
  const FiberLoop& loop() const noexcept { return loop_; }

 private:
  friend class FiberLoop;
  bool wait(LoopFiber*& slot, Deadline deadline);

  FiberLoop& loop_;
  int descriptor_;
  LoopFiber* reader_ = nullptr;
  LoopFiber* writer_ = nullptr;
};

}  // namespace socketserver::detail
