#pragma once
// How code waits without knowing whether a thread or a fiber runs it: the kernel blocks a thread; a fiber is suspended,
// and its loop runs others meanwhile. A function that can wait asks current_fiber(). concurrency/ has the fibers.

#include <cstddef>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/function.hpp>
#include <socketserver/base/visibility.hpp>
#include <utility>

namespace socketserver::detail {

/// A descriptor's registration with a fiber's loop, edge-triggered for both directions: an event is an edge, and the
/// flags keep what is known between edges. Threads: fibers of that loop; release() from any.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Waits for the next edge; one reader and one writer at a time. @returns false if the deadline came first.
  virtual bool wait_read(Deadline deadline) = 0;
  virtual bool wait_write(Deadline deadline) = 0;
  /// Whether an edge for reading ends the calling fiber's park(), for one that waits for several watches. It ends with
  /// the next edge, too.
  virtual void end_park_on_read(bool on) noexcept = 0;
  /// Ends the registration; the watch is gone. Comes before the descriptor is closed.
  virtual void release() noexcept = 0;

  bool readable = false;  // an edge has come since a read found less than it asked for
  bool hung_up = false;   // a hang-up, an error or urgent data was reported: only a read shows what is left

 protected:
  ~Watch() = default;
};

/// Runs fibers in turn on one thread. Threads: any.
class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs the job, which must not throw, on a fiber of its own. @throws std::system_error  there is no stack for it.
  virtual void start(Job job) = 0;

 protected:
  ~Loop() = default;
};

/// A line of execution that its loop can suspend. Threads: the fiber itself; wake() from any.
class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Suspends this fiber. @returns true once for each wake(), false if the deadline came first.
  virtual bool park(Deadline deadline) = 0;
  /// Ends the park() that the fiber is in or about to call; each wake() ends one.
  virtual void wake() noexcept = 0;
  /// Runs the other ready fibers first.
  virtual void yield() = 0;
  /// Counts an operation that did not have to wait, and its bytes. A turn has a budget of operations, bytes and time;
  /// past it the fiber yields, so that a peer that always has something to read does not hold up the others.
  virtual void count_ready_operation(std::size_t bytes) = 0;

  /// Registers a descriptor with this fiber's loop. @returns null if that fails, with errno set.
  virtual Watch* watch(int descriptor) noexcept = 0;
  /// Whether the watch is with this fiber's loop.
  virtual bool shares_loop(const Watch& watch) const noexcept = 0;

  /// Runs a job on a thread that may block, and waits for its end.
  virtual void offload(Job job) = 0;
  /// The loop that this fiber belongs to until it ends.
  virtual Loop& loop() noexcept = 0;

 protected:
  ~Fiber() = default;
};

/// State of one line of execution, a thread or a fiber.
struct Execution {
  Fiber* fiber = nullptr;        // null on a thread
  const void* scopes = nullptr;  // detail::HandlerScope's innermost
};

/// What runs on this thread now. A fiber never changes threads, so a thread_local stays valid across its waits.
extern constinit thread_local Execution thread_execution;
SOCKETSERVER_PUBLIC extern constinit thread_local Execution* current_execution;  // null for the thread's own

/// @returns the caller's. A fiber's loop installs the fiber's own while it runs.
inline Execution& execution() noexcept { return current_execution != nullptr ? *current_execution : thread_execution; }
/// @returns the previous one.
inline Execution* exchange_execution(Execution* next) noexcept { return std::exchange(current_execution, next); }

/// @returns null on a thread.
inline Fiber* current_fiber() noexcept { return current_execution != nullptr ? current_execution->fiber : nullptr; }

/// While it lives the caller counts as a thread, so that nothing it calls suspends its fiber: for operations that do
/// not wait, by a caller that may hold a std::mutex.
class NotSuspended {
 public:
  NotSuspended() noexcept : before_(exchange_execution(&here_)) {}
  NotSuspended(const NotSuspended&) = delete;
  NotSuspended& operator=(const NotSuspended&) = delete;
  ~NotSuspended() { exchange_execution(before_); }

 private:
  Execution here_{.scopes = execution().scopes};
  Execution* const before_;
};

}  // namespace socketserver::detail
