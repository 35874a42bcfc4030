#include <socketserver/concurrency/fiber/loop_fiber.hpp>

#include <cstdlib>
#include <socketserver/concurrency/fiber/fiber_loop.hpp>
#include <socketserver/concurrency/worker_pool.hpp>
#include <utility>

namespace socketserver::detail {
namespace {

// A turn's budget for operations that did not wait; the first limit reached ends the turn.
constexpr unsigned kOperationsInTurn = 64;
constexpr std::size_t kBytesInTurn = 65536;
constexpr Duration kTimeInTurn = std::chrono::microseconds(500);
constexpr unsigned kOperationsPerLook = 4;  // at the clock: a request and its answer are two, and need none

}  // namespace

LoopFiber::LoopFiber(std::size_t stack_bytes) : context_(stack_bytes, &LoopFiber::run_jobs, this) {
  Timers timers;
  timers.emplace(timer_, this);
  spare_timer_ = timers.extract(timers.begin());
}

void LoopFiber::run_jobs(void* self) {
  auto& fiber = *static_cast<LoopFiber*>(self);
  for (;;) {
    fiber.job_();
    fiber.job_ = {};
    fiber.state_ = State::ended;
    fiber.context_.suspend(false);
  }
}

void LoopFiber::abandon() noexcept {
  state_ = State::abandoned;
  context_.suspend(false);
  std::abort();  // nothing resumes it
}

bool LoopFiber::park(Deadline deadline) { return loop_->park(*this, deadline); }
void LoopFiber::wake() noexcept { loop_->wake(*this); }
void LoopFiber::yield() { loop_->yield(*this); }
Loop& LoopFiber::loop() noexcept { return *loop_; }

void LoopFiber::count_ready_operation(std::size_t bytes) {
  if (used_its_turn(bytes)) loop_->give_way(*this);
}

bool LoopFiber::used_its_turn(std::size_t bytes) {
  turn_bytes_ += bytes;
  if (++operations_ >= kOperationsInTurn || turn_bytes_ >= kBytesInTurn) return true;
  if (operations_ % kOperationsPerLook != 0) return false;
  const TimePoint now = steady_clock().now();
  if (operations_ == kOperationsPerLook) turn_seen_ = now;
  return now - turn_seen_ >= kTimeInTurn;
}

Watch* LoopFiber::watch(int descriptor) noexcept { return loop_->watch(descriptor); }

bool LoopFiber::shares_loop(const Watch& watch) const noexcept {
  return loop_->owns(static_cast<const LoopWatch&>(watch));
}

void LoopFiber::offload(Job job) {
  loop_->blocking().submit([this, &job] {
    Execution there{.scopes = execution_.scopes};  // a shutdown() there must not wait for this handler
    Execution* const before = exchange_execution(&there);
    job();
    exchange_execution(before);
    wake();
  });
  (void)park(Deadline::never());
}

std::unique_ptr<LoopFiber> FiberPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<LoopFiber> fiber = std::move(idle_.back());
      idle_.pop_back();
      return fiber;
    }
  }
  return std::make_unique<LoopFiber>(stack_bytes_);
}

void FiberPool::give_back(std::unique_ptr<LoopFiber> fiber) noexcept {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdleFibers) idle_.push_back(std::move(fiber));
}

}  // namespace socketserver::detail
