#pragma once
// The loop that accepts connections: it waits for one, admits it, and pauses while there is no room or accept fails.

#include <atomic>
#include <cstdint>
#include <socketserver/server/accept_backoff.hpp>
#include <socketserver/server/connection_runner.hpp>
#include <socketserver/server/server_core.hpp>
#include <system_error>

namespace socketserver::detail {

/// Threads: the serving thread's, but for connection_ended() and the counts.
class AcceptLoop {
 public:
  AcceptLoop(ServerCore& core, ConnectionRunner& runner) : core_(core), runner_(runner), backoff_(core.log) {}

  /// Accepts until a stop is requested. @throws std::system_error  the listening socket failed.
  void serve();
  /// Waits for one event and handles it. @param max  connections to accept of those that wait. @returns whether one was
  /// accepted.
  bool poll_once(Deadline deadline, std::size_t max);
  /// In a stop: serves the connections that arrived before it. @param over  ends that: the drain deadline has passed.
  void accept_rest(const std::atomic<bool>& over);
  /// After a stop: as it was at first.
  void reset() noexcept { accepting_paused_ = was_full_ = false; }

  /// There may be room again. Threads: any.
  void connection_ended() noexcept;
  /// Times that accepting paused because there was no room; failed accepts. Threads: any.
  std::uint64_t waits() const noexcept { return waits_; }
  std::uint64_t errors() const noexcept { return errors_; }

 private:
  enum class Accepted { connection, nothing, error };
  struct Pause {
    bool paused;     // no connection can be accepted now
    bool full;       // since there is no room: a connection's end makes some
    Deadline until;  // else a failed accept is tried again then
  };

  Accepted accept_one();
  void failed(std::error_code error);
  Pause look_for_room();
  void wait_for_room(const std::atomic<bool>& over);
  void leave_rest(std::error_code error);

  ServerCore& core_;
  ConnectionRunner& runner_;
  AcceptBackoff backoff_;
  bool was_full_ = false;                      // at the last look
  std::atomic<bool> accepting_paused_{false};  // a connection's end has to wake the loop
  std::atomic<std::uint64_t> waits_{0};
  std::atomic<std::uint64_t> errors_{0};
};

}  // namespace socketserver::detail
