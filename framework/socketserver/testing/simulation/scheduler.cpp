#include <socketserver/testing/simulation/scheduler.hpp>

#include <algorithm>
#include <cerrno>
#include <socketserver/base/text.hpp>
#include <socketserver/concurrency/fiber/fiber_context.hpp>

namespace socketserver::testing::detail {
namespace {

using socketserver::detail::Execution;
using socketserver::detail::FiberContext;
using socketserver::detail::Watch;

constexpr std::size_t kStackBytes = 256 * 1024;
constexpr std::size_t kMaxSpareFibers = 64;

}  // namespace

class Scheduler::SimulatedFiber final : public socketserver::detail::Fiber {
 public:
  SimulatedFiber()
      : context_(
            kStackBytes, [](void* self) { static_cast<SimulatedFiber*>(self)->live(); }, this) {}

  bool park(Deadline deadline) override {
    if (wakes_ == 0) {
      timed_out_ = false;
      if (!deadline.is_never()) set_timer(deadline.time());
      parked_ = true;
      context_.suspend();
      parked_ = false;
      cancel_timer();
      if (timed_out_) return false;
    }
    --wakes_;
    return true;
  }
  void wake() noexcept override {
    ++wakes_;
    if (parked_ && wakes_ == 1 && !timed_out_) scheduler_->ready_.push_back(this);
  }
  void yield() override {
    scheduler_->ready_.push_back(this);
    context_.suspend();
  }
  /// At random, so that orders of events that need a pause between two reads occur.
  void count_ready_operation(std::size_t) override {
    if (scheduler_->dice_.one_in(4)) yield();
  }
  /// There are no descriptors here.
  Watch* watch(int) noexcept override {
    errno = ENOTSUP;
    return nullptr;
  }
  bool shares_loop(const Watch&) const noexcept override { return false; }
  void offload(Job job) override { job(); }
  socketserver::detail::Loop& loop() noexcept override { return *scheduler_; }

 private:
  friend class Scheduler;

  /// Runs one job after the other; never returns.
  [[noreturn]] void live() {
    for (;;) {
      job_();
      job_ = {};
      ended_ = true;
      context_.suspend();
    }
  }

  void set_timer(TimePoint time) {
    timer_ = {std::max(time, scheduler_->clock_.now()), ++scheduler_->timers_set_};
    scheduler_->timers_.emplace(timer_, this);
  }
  void cancel_timer() {
    if (timer_.second != 0) scheduler_->timers_.erase(timer_);
    timer_.second = 0;
  }

  FiberContext context_;
  Execution execution_{.fiber = this};
  Scheduler* scheduler_ = nullptr;
  std::string name_;
  Job job_;
  std::pair<TimePoint, std::uint64_t> timer_{};  // its second is 0 where none is set
  unsigned wakes_ = 0;
  bool parked_ = false;
  bool timed_out_ = false;
  bool ended_ = false;
};

namespace {

/// Ended fibers, kept for the next scheduler of this thread: mapping stacks would dominate a run of a few milliseconds.
template <typename Fiber>
std::vector<std::unique_ptr<Fiber>>& spare_fibers() {
  thread_local std::vector<std::unique_ptr<Fiber>> spare;
  return spare;
}

}  // namespace

Scheduler::Scheduler(std::uint64_t seed) : dice_(seed) {}
Scheduler::~Scheduler() = default;

void Scheduler::start(std::string name, Job job) {
  auto& spare = spare_fibers<SimulatedFiber>();
  std::unique_ptr<SimulatedFiber> fiber;
  if (spare.empty()) {
    fiber = std::make_unique<SimulatedFiber>();
  } else {
    fiber = std::move(spare.back());
    spare.pop_back();
  }
  fiber->scheduler_ = this;
  fiber->name_ = std::move(name);
  fiber->job_ = std::move(job);
  fiber->ended_ = false;
  ready_.push_back(fiber.get());
  fibers_.push_back(std::move(fiber));
}

bool Scheduler::run() {
  while (!fibers_.empty()) {
    if (++steps_ > kMaxSteps) return false;
    if (ready_.empty() && !fire_next_timer()) return false;
    const std::size_t next = dice_.between(0, ready_.size() - 1);
    SimulatedFiber& fiber = *ready_[next];
    ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(next));
    resume(fiber);
  }
  return true;
}

/// @returns false if there is none.
bool Scheduler::fire_next_timer() {
  if (timers_.empty()) return false;
  SimulatedFiber& fiber = *timers_.begin()->second;
  clock_.advance(timers_.begin()->first.first - clock_.now());
  fiber.timed_out_ = true;
  fiber.cancel_timer();
  ready_.push_back(&fiber);
  return true;
}

void Scheduler::resume(SimulatedFiber& fiber) {
  Execution* const before = socketserver::detail::exchange_execution(&fiber.execution_);
  fiber.context_.resume();
  socketserver::detail::exchange_execution(before);
  if (!fiber.ended_) return;
  const auto place = std::find_if(fibers_.begin(), fibers_.end(), [&](const auto& one) { return one.get() == &fiber; });
  auto& spare = spare_fibers<SimulatedFiber>();
  fiber.wakes_ = 0;
  if (spare.size() < kMaxSpareFibers) spare.push_back(std::move(*place));
  fibers_.erase(place);
}

std::vector<std::string> Scheduler::left() const {
  std::vector<std::string> texts;
  for (const auto& fiber : fibers_) texts.push_back(fiber->name_);
  return texts;
}

}  // namespace socketserver::testing::detail
