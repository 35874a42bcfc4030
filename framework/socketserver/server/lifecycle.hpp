#pragma once
// The states of a server, and who waits for whom.
//
//   ready ---> serving ---> stopping ---> draining ---> stopped
//                 ^   request_stop  drain_started  finish  |
//                 +----------------------------------------+
//
// A stop requested in `ready` is remembered: the serve_forever to come stops at its beginning. One requested
// in `stopped` does nothing.

#include <cstdint>
#include <mutex>
#include <socketserver/wait/detail/wait_list.hpp>

namespace socketserver::detail {

/// Threads: safe to share.
class Lifecycle {
 public:
  /// Enters `serving`. @throws std::logic_error  some thread is serving.
  void begin_serving();
  /// @returns whether the caller is the one to start the drain, and then to call drain_started().
  bool request_stop() noexcept;
  void drain_started() noexcept;
  /// Whether a stop of this run is under way.
  bool stopping() const noexcept;
  /// Takes a remembered stop request. @returns whether there was one.
  bool consume_pending_stop() noexcept;
  /// @returns the number of stop requests, with or without an effect.
  std::uint64_t stop_requests() const noexcept;
  /// Waits until the drain has been started.
  void wait_until_draining();
  /// Enters `stopped`.
  void finish_serving() noexcept;
  /// Waits for the end of the run that is under way, if there is one.
  void wait_until_stopped();

 private:
  enum class State { ready, serving, stopping, draining, stopped };
  bool running() const { return state_ != State::ready && state_ != State::stopped; }

  mutable std::mutex mutex_;
  WaitList changed_;  // guarded by mutex_, as is all below
  State state_ = State::ready;
  bool stop_remembered_ = false;
  std::uint64_t run_ = 0;  // counts begin_serving(): a wait for the end of one is not for the next
  std::uint64_t stop_requests_ = 0;
};

}  // namespace socketserver::detail
