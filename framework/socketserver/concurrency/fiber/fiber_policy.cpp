#include <socketserver/concurrency/fiber/fiber_policy.hpp>

#include <cxxabi.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <socketserver/base/text.hpp>
#include <socketserver/concurrency/fiber/stack.hpp>
#include <socketserver/net/kernel_limits.hpp>
#include <socketserver/wait/detail/wait_list.hpp>
#include <socketserver/wait/execution.hpp>
#include <utility>

namespace socketserver::detail {
namespace {

constexpr std::size_t kMaxBlockingThreads = 64;

}  // namespace

FiberPolicy::FiberPolicy(std::size_t loops, std::size_t stack_bytes, Logger* log)
    : stack_bytes_(stack_bytes), fibers_(stack_bytes), blocking_(kMaxBlockingThreads) {
  while (loops_.size() < loops) loops_.push_back(std::make_unique<FiberLoop>(fibers_, blocking_));
  if (log != nullptr) watchdog_.emplace(loops_, *log);
}

/// Where a guard splits its stack's mapping, vm.max_map_count bounds the stacks; a part of it is left for the rest.
std::size_t FiberPolicy::capacity() const noexcept {
  constexpr std::int64_t kOtherMappings = 2048;
  const auto most = kernel_limits().max_map_count;
  if (!most || !Stack::guard_takes_mapping()) return std::numeric_limits<std::size_t>::max();
  return static_cast<std::size_t>(std::max<std::int64_t>(*most - kOtherMappings, 2) / 2);
}

std::string_view FiberPolicy::capacity_reason() const noexcept {
  return "on this kernel each fiber's stack takes two mappings, and vm.max_map_count bounds them";
}

std::string FiberPolicy::describe() const {
  return concat("fiber of ", loops_.size(), " loops and stacks of ", stack_bytes_, " bytes");
}

std::vector<Budget> FiberPolicy::budgets() const {
  return {{"offloaded calls", blocking_.running(), kMaxBlockingThreads}};
}

void FiberPolicy::submit(Job job, JobName name) {
  std::unique_ptr<LoopFiber> fiber = fibers_.take();
  fiber->assign(
      [this, job = std::move(job)]() mutable {
        try {
          job();
        } catch (const abi::__forced_unwind&) {  // must not be swallowed here: see LoopFiber::abandon()
          ended();
          static_cast<LoopFiber*>(current_fiber())->abandon();
        }
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

void FiberPolicy::run_accept_loop(Job loop) {
  if (loops_.size() > 1) return loop();
  std::exception_ptr error;
  std::mutex mutex;
  WaitList over;
  bool is_over = false;  // guarded by mutex
  const void* const scopes = execution().scopes;
  std::unique_ptr<LoopFiber> fiber = fibers_.take();
  fiber->assign(
      [&] {
        execution().scopes = scopes;  // a shutdown() there must not wait for a handler that this is called from
        try {
          loop();
        } catch (...) {
          error = std::current_exception();
        }
        execution().scopes = nullptr;
        const std::lock_guard lock(mutex);
        is_over = true;
        over.notify_all();
      },
      [] { return std::string("the accept loop"); });
  loops_.front()->start(std::move(fiber));
  std::unique_lock lock(mutex);
  over.wait_for(lock, Deadline::never(), [&is_over] { return is_over; });
  if (error) std::rethrow_exception(error);
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
