#pragma once
// A listening socket: binding, accepting without blocking, and waiting for a connection or a wake-up.

#include <memory>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/visibility.hpp>
#include <socketserver/net/address.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <socketserver/net/socket_options.hpp>
#include <system_error>

namespace SOCKETSERVER_PUBLIC socketserver {

namespace detail {
class Fiber;
class Watch;
}  // namespace detail

/// What a failed accept means. Source: accept(2).
enum class AcceptError {
  transient,  ///< this connection is gone, or none was waiting: continue
  resource,   ///< descriptors or memory are short: wait, then retry
  fatal,      ///< the listening socket is of no use
};
/// @param error  of accept4(2), as Acceptor::Accepted has it. What is not known here is about one connection:
/// transient.
AcceptError classify_accept_error(std::error_code error) noexcept;

/// Threads: one at a time, but wake() from any.
class Acceptor {
 public:
  /// What has ended a wait.
  enum class Event { connection, woken, timeout };
  /// A connection, or why there is none.
  struct Accepted {
    FileDescriptor socket{};  ///< in blocking mode; empty if there is an error
    SocketAddress peer{};     ///< no address if there is an error
    std::error_code error{};  ///< operation_would_block: none is waiting
  };

  /// Binds to the host's first address, and listens. The next address is tried only where the host lacks the family.
  /// @throws std::system_error  what() names the address, also one that is in use; nothing stays open.
  Acceptor(const ListenOptions& listen, const SocketOptions& socket);

  /// The bound address, port 0 resolved. Stays after close().
  const SocketAddress& address() const noexcept { return address_; }
  /// Whether the listening socket is open: until close(), and again from reopen() on.
  bool listening() const noexcept { return static_cast<bool>(listener_); }
  /// The listening socket, for options this class does not have; -1 after close().
  int native_handle() const noexcept { return listener_.get(); }

  /// Waits until a connection is there (if `connections`), wake() was called or the deadline has passed.
  /// A wake-up is taken by one wait. On a fiber the others of its loop have their turn before each event.
  Event wait(bool connections, Deadline deadline);
  /// Ends the wait under way or the next one. Threads: any.
  void wake() noexcept;
  /// Takes one waiting connection; never blocks. Short of descriptors it spends a spare one to turn the
  /// connection away, so that its peer learns of it; after refuse_new() the spare one is the connection's, and when
  /// that is gone, too, connections stay where they are, since room comes then.
  Accepted accept() noexcept;

  /// From now on no connection arrives, while those that have can still be accepted: after it accept() until
  /// operation_would_block and close() lose none.
  void refuse_new() noexcept;
  /// @returns how many have connected that are not accepted yet.
  std::size_t waiting() const noexcept;
  /// Stops listening. New connections are refused by the kernel.
  void close() noexcept;
  /// Listens again, on the same address. @throws std::system_error.
  void reopen();

 private:
  FileDescriptor open_listener(const SocketAddress& address) const;
  void turn_one_away() noexcept;
  Event wait_on_fiber(detail::Fiber& fiber, bool connections, Deadline deadline);

  struct ReleaseWatch {
    void operator()(detail::Watch* watch) const noexcept;
  };
  using OwnedWatch = std::unique_ptr<detail::Watch, ReleaseWatch>;

  ListenOptions listen_;
  SocketOptions socket_;
  FileDescriptor wake_;
  FileDescriptor spare_;  // given up for a moment when the process has no other left
  FileDescriptor listener_;
  bool refuses_new_ = false;
  OwnedWatch wake_watch_;  // with the loop of the fiber that waited last
  OwnedWatch listener_watch_;
  SocketAddress address_;
};

}  // namespace socketserver
