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

/// Acts on the signals also where the process was started with them blocked, or SIGTERM ignored; a SIGINT that was
/// ignored stays so. SIGPIPE and SIGXFSZ do nothing meanwhile: a log whose reader has gone, or that has reached the
/// limit on file sizes, must not end the server. Signals do not interrupt a handler's own system calls that can be
/// restarted. What the program had installed is back when the last watcher ends; a program that a handler starts has
/// the defaults.
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
