#pragma once
// The states of a server, and who waits for whom.
//
//   ready --serve_forever--> serving --request_stop--> draining --all ended--> stopped --serve_forever-->
//   serving
//     \--request_stop: remembered, so that the serve_forever to come stops at its beginning

#include <condition_variable>
#include <mutex>

namespace socketserver::detail {

/// Threads: safe to share.
class Lifecycle {
 public:
  enum class State { ready, serving, draining, stopped };

  /// Enters `serving`. @throws std::logic_error  some thread is serving.
  void begin_serving();
  /// @returns whether the caller is the one to start the drain: the server was serving.
  bool request_stop() noexcept;
  /// Whether a stop is under way or remembered.
  bool stopping() const noexcept;
  /// Takes a remembered stop request. @returns whether there was one.
  bool take_remembered_stop() noexcept;
  /// Leaves `draining` and wakes wait_until_stopped().
  void finish_serving() noexcept;
  /// Waits while a thread is serving or draining.
  void wait_until_stopped();

 private:
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  State state_ = State::ready;    // guarded by mutex_
  bool stop_remembered_ = false;  // guarded by mutex_
};

}  // namespace socketserver::detail
