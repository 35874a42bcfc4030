#pragma once
// Many lines of execution on one thread, in virtual time: a fiber that waits is suspended, and when all wait, the clock
// advances to the next deadline.

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <socketserver/base/clock.hpp>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/function.hpp>
#include <socketserver/wait/execution.hpp>
#include <string>
#include <utility>
#include <vector>

namespace socketserver::testing::detail {

/// Random numbers that are the same with every standard library: the engine's are specified, the distributions' are
/// not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  /// @returns least to most, both included.
  std::uint64_t between(std::uint64_t least, std::uint64_t most) { return least + engine_() % (most - least + 1); }
  bool one_in(std::uint64_t count) { return between(1, count) == 1; }

 private:
  std::mt19937_64 engine_;
};

/// Threads: all on one.
class Scheduler final : public socketserver::detail::Loop {
 public:
  /// @param seed  decides which of the ready fibers runs next.
  explicit Scheduler(std::uint64_t seed);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();

  const Clock& clock() const noexcept { return clock_; }
  /// Runs the job on a fiber of its own, when its turn comes.
  void start(std::string name, Job job);
  /// The same for what the framework starts.
  void start(Job job) override { start("a fiber of the framework", std::move(job)); }
  /// Runs until all have ended. @returns false if it gave up: the fibers left wait without a deadline, or the limit on
  /// steps is reached.
  bool run();
  /// @returns the names of those that have not ended, and what they wait for.
  std::vector<std::string> left() const;

 private:
  friend class SimulatedFiber;
  class SimulatedFiber;
  using Timers = std::map<std::pair<TimePoint, std::uint64_t>, SimulatedFiber*>;

  void resume(SimulatedFiber& fiber);
  bool fire_next_timer();

  static constexpr std::uint64_t kMaxSteps = 1'000'000;

  ManualClock clock_;
  Dice dice_;
  std::vector<std::unique_ptr<SimulatedFiber>> fibers_;  // in the order of their start
  std::vector<SimulatedFiber*> ready_;
  Timers timers_;  // by time, then by the order in which they were set
  std::uint64_t timers_set_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace socketserver::testing::detail
