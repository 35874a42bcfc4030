#include <socketserver/concurrency/fiber/loop_watchdog.hpp>

#include <cmath>

#include <socketserver/base/text.hpp>
#include <socketserver/concurrency/fiber/fiber_loop.hpp>

namespace socketserver::detail {

LoopWatchdog::LoopWatchdog(const std::vector<std::unique_ptr<FiberLoop>>& loops, Logger& log)
    : loops_(loops), log_(log), seen_(loops.size()), thread_([this] { run(); }) {
  for (const auto& loop : loops_) loop->set_watchdog(this);
}

LoopWatchdog::~LoopWatchdog() {
  for (const auto& loop : loops_) loop->set_watchdog(nullptr);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LoopWatchdog::wake() noexcept {
  const std::lock_guard lock(mutex_);
  asleep_ = false;
  changed_.notify_all();
}

void LoopWatchdog::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    bool busy = false;
    lock.unlock();
    try {
      for (std::size_t i = 0; i < loops_.size(); ++i) busy = check(*loops_[i], seen_[i]) || busy;
    } catch (...) {
      busy = true;  // out of memory for a name or a line: the next scan retries
    }
    lock.lock();
    // Sleep only after a scan that started after asleep_ was set. A loop that missed the flag was already running, so
    // that scan saw it.
    const bool said_before = asleep_;
    asleep_ = !busy;
    if (!busy && said_before) {
      changed_.wait(lock, [this] { return stopping_ || !asleep_; });
    } else {
      changed_.wait_for(lock, kBlockedAfter / 4, [this] { return stopping_; });
    }
  }
}

/// @returns whether the loop has run a fiber since the last scan.
bool LoopWatchdog::check(const FiberLoop& loop, Seen& seen) {
  const TimePoint now = steady_clock().now();
  const auto progress = loop.progress();
  const bool moved = progress.resumes != seen.resumes;
  if (moved) seen = {.resumes = progress.resumes, .since = now, .logged = seen.logged};
  if (!progress.running) return moved;
  const Duration blocked = now - seen.since;
  if (blocked >= kBlockedAfter && now - seen.logged >= std::chrono::seconds(1)) {
    if (const auto name = loop.name_of_running(progress.resumes)) {
      const auto tenths = std::chrono::duration<double, std::deci>(blocked).count();
      log_.warning(concat(*name, " has blocked its fiber loop for ", seconds_text(std::floor(tenths) / 10),
                          "; wrap blocking calls in offload(), and do not wait in the initialiser of a static"));
      seen.logged = now;
    }
  }
  return true;
}

}  // namespace socketserver::detail
