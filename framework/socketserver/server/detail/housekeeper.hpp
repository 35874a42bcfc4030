#pragma once
// What a server does in the background: lingering closes, and one alarm for the drain deadline.

#include <memory>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/function.hpp>
#include <socketserver/net/file_descriptor.hpp>

namespace socketserver::detail {

/// One thread with an event loop. Threads: safe to share.
class Housekeeper {
 public:
  /// @param most_lingering  past so many lingering sockets the next is closed at once.
  /// @throws std::system_error  no thread or no descriptors.
  explicit Housekeeper(std::size_t most_lingering);
  /// Closes the sockets that still linger.
  ~Housekeeper();
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;

  /// Takes a connection whose sending direction is shut down, reads and drops what still comes until the peer
  /// closes or the time is over, and closes it: closing with input unread would reset the connection and
  /// destroy the reply under way. Source: RFC 2525, section 2.17.
  /// @param hold_fin  the sending direction is still open, because this side has shut reading down: it is
  /// closed when the peer has acknowledged all, since late input after a FIN would make the kernel reset the
  /// connection.
  void linger(FileDescriptor socket, Duration time, bool hold_fin);
  /// Waits until no socket lingers. One whose peer has acknowledged all and sent nothing more has nothing to
  /// lose and is closed at once.
  void finish_lingering();

  /// Calls the action, on the background thread, when the deadline passes; replaces the alarm that was set.
  void set_alarm(Deadline deadline, Job action);
  /// @returns when the action is not running and will not run. Not from the action.
  void cancel_alarm();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace socketserver::detail
