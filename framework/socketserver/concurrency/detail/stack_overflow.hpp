#pragma once
// What a fiber that overflows its stack leaves behind: a line that says so.

#include <cstddef>
#include <socketserver/concurrency/detail/stack.hpp>

namespace socketserver::detail {

/// While it lives, the thread reports a fault in the guard of the stack that runs on it: one line on standard error
/// that names the key to raise, then the crash as it would have been. One at a time for each thread.
class StackOverflowReports {
 public:
  StackOverflowReports();
  StackOverflowReports(const StackOverflowReports&) = delete;
  StackOverflowReports& operator=(const StackOverflowReports&) = delete;
  ~StackOverflowReports();

  /// @param stack  the one that this thread runs on from now on; null for its own.
  static void running(const Stack* stack) noexcept;

 private:
  std::byte* signal_stack_ = nullptr;
};

}  // namespace socketserver::detail
