#pragma once
// The interface of the policies: what runs a connection's handler.

#include <cstddef>
#include <memory>
#include <socketserver/base/function.hpp>
#include <socketserver/base/visibility.hpp>
#include <socketserver/observe/log.hpp>
#include <socketserver/observe/stats.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

/// What runs a connection's handler.
enum class PolicyKind {
  inline_,  ///< "inline": on the serving thread, one at a time
  thread,   ///< a thread for each
  pool,     ///< `threads` workers; one takes a connection at its first byte and stays with it until that ends
  fiber,    ///< `threads` loops, each running many connections, a fiber for every one
};

/// @returns the name in a configuration: "inline", "thread", "pool", "fiber".
std::string_view to_string(PolicyKind kind) noexcept;

/// @returns the default number of threads: one for each core; at least 4 in a pool, whose handlers block.
std::size_t default_threads(PolicyKind kind) noexcept;

/// Describes a job for log messages; called only when one is written. Threads: any, one at a time.
using JobName = MoveOnlyFunction<std::string()>;

/// Runs jobs, each of which may block for as long as its connection lives.
/// A job must not throw. Threads: submit, join and destruction one at a time, the counts from any.
class Policy {
 public:
  Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  virtual ~Policy() = default;

  /// @returns the most jobs it can hold, running and queued. The caller submits no more than that.
  virtual std::size_t capacity() const noexcept = 0;
  /// Whether there are so few workers that a connection should be submitted only when its first byte has come. The
  /// caller may then submit from any thread.
  virtual bool starts_on_input() const noexcept { return false; }
  /// @returns the most connections to accept before the loop looks at its other events again.
  virtual std::size_t max_accepts_per_turn() const noexcept { return 16; }
  /// @returns its description for the log, e.g. "pool of 4 threads and a queue of 64".
  virtual std::string describe() const = 0;
  /// @returns why capacity() is lower than a configuration may ask for, as the end of a sentence.
  virtual std::string_view capacity_reason() const noexcept { return {}; }
  /// @returns jobs that wait for a worker.
  virtual std::size_t queued() const noexcept { return 0; }
  /// @returns the budgets that the policy itself bounds. Threads: any.
  virtual std::vector<Budget> budgets() const { return {}; }
  /// Runs the job now or later. @throws std::system_error  no thread or stack; the job will not run.
  /// @param name  called while the job runs, if at all.
  virtual void submit(Job job, JobName name) = 0;
  /// The same for a job without a name.
  void submit(Job job) { submit(std::move(job), {}); }
  /// Runs the loop that accepts connections and submits them, and returns when it has ended: on the calling thread, or
  /// on the policy's own loop where that saves a thread switch per connection. @throws what the loop throws.
  virtual void run_accept_loop(Job loop) { loop(); }
  /// Waits until all submitted jobs have ended. More may be submitted afterwards.
  virtual void join() = 0;
};

/// A policy's parameters: its part of ConcurrencyConfig.
struct PolicyOptions {
  PolicyKind kind = PolicyKind::fiber;  ///< which one
  std::size_t threads = 4;              ///< the pool's workers, or the fibers' loops
  std::size_t queue = 64;               ///< jobs that may wait for a worker of the pool
  std::size_t stack_size = 131072;      ///< bytes for each fiber's stack
  Logger* log = nullptr;                ///< for the policy's own messages; outlives it. Null is none
};

/// Starts the pool's workers or the fibers' loops.
/// @throws std::system_error  a worker could not be started.
std::unique_ptr<Policy> make_policy(const PolicyOptions& options);

}  // namespace socketserver
