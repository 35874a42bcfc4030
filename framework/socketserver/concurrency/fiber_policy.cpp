#include <socketserver/concurrency/detail/fiber_policy.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace socketserver::detail {
namespace {

constexpr std::size_t kMostBlockingThreads = 64;

}  // namespace

FiberPolicy::FiberPolicy(std::size_t loops, std::size_t stack_bytes, Logger* log)
    : fibers_(stack_bytes), blocking_(kMostBlockingThreads) {
  while (loops_.size() < loops) loops_.push_back(std::make_unique<FiberLoop>(fibers_, blocking_));
  if (log != nullptr) watchdog_.emplace(loops_, *log);
}

std::size_t FiberPolicy::capacity() const noexcept { return std::numeric_limits<std::size_t>::max(); }

void FiberPolicy::submit(Job job, std::string name) {
  std::unique_ptr<LoopFiber> fiber = fibers_.take();
  fiber->assign(
      [this, job = std::move(job)]() mutable {
        job();
        job = {};
        ended();
      },
      std::move(name));
  {
    const std::lock_guard lock(mutex_);
    ++unfinished_;
  }
  const auto least = std::min_element(loops_.begin(), loops_.end(),
                                      [](const auto& a, const auto& b) { return a->load() < b->load(); });
  (*least)->start(std::move(fiber));
}

void FiberPolicy::ended() noexcept {
  const std::lock_guard lock(mutex_);
  if (--unfinished_ == 0) all_ended_.notify_all();
}

void FiberPolicy::join() {
  std::unique_lock lock(mutex_);
  all_ended_.wait(lock, [this] { return unfinished_ == 0; });
}

}  // namespace socketserver::detail
