#pragma once
// The way of ciphertext to the stream below: in its order, by one sender at a time, and never under the lock.

#include <mutex>
#include <socketserver/io/stream.hpp>
#include <socketserver/tls/tls_session.hpp>
#include <socketserver/wait/detail/wait_list.hpp>
#include <string>

namespace socketserver::detail {

/// @returns the deadline for a WaitList, of one that is on a stream's clock.
Deadline on_steady_clock(Deadline deadline, const Clock& clock);

/// Sends what a session has put out. Threads: any; the lock is the one that guards the session.
class CiphertextSender {
 public:
  CiphertextSender(Stream& below, std::string& output) noexcept : below_(below), output_(output) {}

  /// Sends all there is by the deadline, waiting for another sender too. What is left at the deadline is sent first by
  /// the next call. Gives the lock up while it waits.
  /// @returns the error of the stream below, which later calls return as well unless it is a timeout.
  std::error_code flush(std::unique_lock<std::mutex>& lock, Deadline deadline);
  /// The same without a wait: if another sender is at work, it takes these bytes along.
  void flush_now(std::unique_lock<std::mutex>& lock);
  /// Where more waits to be sent than senders leave there: the answers to a peer that asks and does not read. Sends it,
  /// as flush(), before the peer can ask for more.
  std::error_code catch_up(std::unique_lock<std::mutex>& lock, Deadline deadline);

 private:
  bool pending() const noexcept { return !sending_.empty() || !output_.empty() || held_below_; }
  std::error_code send_pending(std::unique_lock<std::mutex>& lock, Deadline deadline);
  std::error_code send_once(std::unique_lock<std::mutex>& lock, Deadline deadline);

  Stream& below_;
  std::string& output_;  // guarded by the lock, as is all below but what the sender has
  std::string sending_;  // the sender's; of which `sent_` bytes are gone
  std::size_t sent_ = 0;
  bool at_work_ = false;     // a sender has given the lock up
  bool held_below_ = false;  // a layer below has taken bytes that it could not pass on yet
  std::error_code broken_{};
  WaitList over_;
};

}  // namespace socketserver::detail
