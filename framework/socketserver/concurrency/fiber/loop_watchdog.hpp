#pragma once
// Logs the handler that blocks a fiber loop.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <socketserver/base/clock.hpp>
#include <socketserver/observe/log.hpp>
#include <thread>
#include <vector>

namespace socketserver::detail {

class FiberLoop;

/// Scans the loops several times a second, but sleeps while all of them are idle.
class LoopWatchdog {
 public:
  /// A fiber that runs for this time without a wait is logged, and again each second until it waits.
  static constexpr Duration kBlockedAfter = std::chrono::milliseconds(200);

  /// @param loops  must outlive it. @throws std::system_error  its thread could not be started.
  LoopWatchdog(const std::vector<std::unique_ptr<FiberLoop>>& loops, Logger& log);
  LoopWatchdog(const LoopWatchdog&) = delete;
  LoopWatchdog& operator=(const LoopWatchdog&) = delete;
  ~LoopWatchdog();

  /// A loop is about to run a fiber. Threads: any.
  void look() noexcept {
    if (asleep_.load(std::memory_order_relaxed)) wake();
  }

 private:
  struct Seen {
    std::uint64_t resumes = 0;
    TimePoint since{};  // when a scan first saw this resume
    TimePoint logged{};
  };
  void wake() noexcept;
  void run();
  bool check(const FiberLoop& loop, Seen& seen);

  const std::vector<std::unique_ptr<FiberLoop>>& loops_;
  Logger& log_;
  std::vector<Seen> seen_;
  std::atomic<bool> asleep_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace socketserver::detail
