#pragma once
// The line that reports a fiber's stack overflow before the process crashes.

#include <cstddef>
#include <memory>
#include <socketserver/concurrency/fiber/stack.hpp>

namespace socketserver::detail {

/// From begin() to end() the thread that calls them reports a fault in the guard of the stack that runs on it: one line
/// on standard error that names the key to raise, then the crash as it would have been. One at a time for each thread.
class StackOverflowReports {
 public:
  /// Allocates the memory that the thread's reports need. @throws std::bad_alloc.
  StackOverflowReports();

  void begin() noexcept;
  void end() noexcept;
  /// @param stack  the stack that this thread now runs on; null for its own.
  static void running(const Stack* stack) noexcept;

 private:
  std::unique_ptr<std::byte[]> signal_stack_;
  bool in_use_ = false;
};

}  // namespace socketserver::detail
