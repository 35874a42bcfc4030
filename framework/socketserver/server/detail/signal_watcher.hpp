#pragma once
// What signals tell a server, for as long as this object lives.

#include <memory>
#include <socketserver/base/function.hpp>

namespace socketserver::detail {

/// Each is called on a background thread.
struct SignalActions {
  Job stop;                               // the first SIGINT or SIGTERM; the second, n, ends the process: status 128+n
  MoveOnlyFunction<void()> reopen_log{};  // each SIGHUP
  MoveOnlyFunction<void()> report{};      // each SIGUSR1
};

/// SIGPIPE is ignored meanwhile: a log whose reader has gone must not end the server. The others that are no error, as
/// SIGCHLD and SIGWINCH, the system ignores by itself.
class SignalWatcher {
 public:
  /// @throws std::system_error.
  explicit SignalWatcher(SignalActions actions);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  ~SignalWatcher();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace socketserver::detail
