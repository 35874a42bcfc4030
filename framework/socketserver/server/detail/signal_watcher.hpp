#pragma once
// SIGINT and SIGTERM for as long as this object lives.

#include <memory>
#include <socketserver/base/function.hpp>

namespace socketserver::detail {

/// The first signal calls the action, on a background thread; the second, n, ends the process with status
/// 128+n. SIGPIPE is ignored meanwhile: a log whose reader has gone must not end the server.
class SignalWatcher {
 public:
  /// @throws std::system_error.
  explicit SignalWatcher(Job on_first_signal);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  ~SignalWatcher();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace socketserver::detail
