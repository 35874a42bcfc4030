#pragma once
// What a server needs of the world around it: the system's, or that of a simulation.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/function.hpp>
#include <socketserver/base/visibility.hpp>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/net/detail/served_stream.hpp>
#include <socketserver/net/listener_set.hpp>
#include <socketserver/server/server_config.hpp>
#include <string_view>
#include <system_error>
#include <vector>

namespace socketserver::detail {

/// A connection that was accepted, or why there is none.
struct AcceptedConnection {
  std::unique_ptr<ServedStream> stream{};
  SocketAddress peer{};
  std::error_code error{};   // operation_would_block: none is waiting
  std::size_t listener = 0;  // which of ServerConfig::listen it came by
  bool entered = false;      // AccessControl counts the peer
};

/// What the process's descriptors have room for.
struct Room {
  std::size_t connections = 0;
  std::size_t lingering = 0;
};

/// Where connections come from. Each call as ListenerSet's of the same name. Threads: one at a time, but wake() from
/// any.
class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;

  virtual const std::vector<SocketAddress>& addresses() const noexcept = 0;
  virtual bool listening() const noexcept = 0;
  virtual ListenerSet::Event wait(bool connections, Deadline deadline) = 0;
  virtual void wake() noexcept = 0;
  virtual AcceptedConnection accept() = 0;
  virtual void refuse_new() noexcept = 0;
  virtual std::size_t waiting() noexcept = 0;
  virtual void close() noexcept = 0;
  virtual void reopen() = 0;
  /// Makes room for the configuration's connections, and writes what was asked for and what was granted, a line each.
  /// @param policy  what the server runs them by. @param most  connections that it can have otherwise. @returns how
  /// many of them there is room for.
  virtual Room start(Logger& log, const ServerConfig& config, std::string_view policy, std::size_t most) const = 0;
};

/// Must not throw.
using InputAction = MoveOnlyFunction<void(FirstInput)>;

/// Work in the background. Threads: safe to share.
class Background {
 public:
  Background() = default;
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  virtual ~Background() = default;

  /// Takes a connection whose sending direction is shut down, reads and drops what still comes until the peer
  /// closes or the time is over, and closes it: closing with input unread would reset the connection and
  /// destroy the reply under way. Source: RFC 2525, section 2.17.
  /// @param hold_fin  the sending direction is still open, because this side has shut reading down: it is
  /// closed when the peer has acknowledged all, since late input after a FIN would make the kernel reset the
  /// connection.
  virtual void linger(FileDescriptor socket, Duration time, bool hold_fin) = 0;
  /// Past this number the least valuable lingering socket is closed for the next: the oldest whose peer has
  /// acknowledged all; where there is none, the oldest of the client that has most.
  virtual void bound_lingering(std::size_t most) = 0;
  /// Closes that many, the least valuable first: descriptors are short.
  virtual void shed(std::size_t count) noexcept = 0;
  /// Sockets that linger now, and those that were closed early so far. Threads: any.
  virtual std::size_t lingering() const noexcept = 0;
  virtual std::uint64_t lingers_cut() const noexcept = 0;
  /// Waits until no socket lingers. One whose peer has acknowledged all and sent nothing more has nothing to
  /// lose and is closed at once.
  virtual void finish_lingering() = 0;

  /// Waits for a connection's first input, and then calls `done`, once and in the background: with what has come, with
  /// timed_out, or with none where end_input_waits() has ended the wait. Until then the stream is only waited for, and
  /// may be shut down.
  /// @returns false, and will not call it, after end_input_waits(). @throws std::bad_alloc; std::system_error  no
  /// thread.
  virtual bool await_input(ServedStream& stream, Deadline deadline, InputAction done) = 0;
  /// Ends all these waits, and takes no more. @returns when each `done` has returned. Not from one of them.
  virtual void end_input_waits() noexcept = 0;
  /// Takes them again.
  virtual void allow_input_waits() noexcept = 0;

  /// Calls the action, in the background, when the deadline passes; replaces the alarm that was set.
  virtual void set_alarm(Deadline deadline, Job action) = 0;
  /// @returns when the action is not running and will not run. Not from the action.
  virtual void cancel_alarm() noexcept = 0;
};

/// Outlives the servers made in it.
class Environment {
 public:
  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  /// @throws std::system_error  as ListenerSet.
  virtual std::unique_ptr<Listener> listen(const std::vector<ListenOptions>& listen, const SocketOptions& socket) = 0;
  /// @param most_lingering  see bound_lingering(). @throws std::system_error.
  virtual std::unique_ptr<Background> background(std::size_t most_lingering) = 0;
  /// @throws std::system_error  as make_policy().
  virtual std::unique_ptr<Policy> policy(const PolicyOptions& options) = 0;

 protected:
  ~Environment() = default;
};

/// @returns sockets, threads and the steady clock.
Environment& system_environment() noexcept;

}  // namespace socketserver::detail
