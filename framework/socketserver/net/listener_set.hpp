#pragma once
// A server's listening sockets together: waiting for a connection on any of them or a wake-up, and accepting in turn.

#include <socketserver/base/deadline.hpp>
#include <socketserver/net/listening_socket.hpp>
#include <socketserver/net/wait_set.hpp>
#include <vector>

namespace socketserver::detail {

/// Threads: one at a time, but wake() from any.
class ListenerSet {
 public:
  /// What has ended a wait.
  enum class Event { connection, woken, timeout };
  using Accepted = ListeningSocket::Accepted;

  /// All of them listen, or none. @param listen  at least one.
  /// @throws std::system_error  what() names the address and, of several entries, the entry: "/listen/1/port";
  /// std::invalid_argument  there are none.
  ListenerSet(const std::vector<ListenOptions>& listen, const SocketOptions& socket);
  /// One alone.
  ListenerSet(const ListenOptions& listen, const SocketOptions& socket)
      : ListenerSet(std::vector<ListenOptions>{listen}, socket) {}

  /// The bound addresses, port 0 resolved, in the order of the entries. They stay after close().
  const std::vector<SocketAddress>& addresses() const noexcept { return addresses_; }
  /// The first.
  const SocketAddress& address() const noexcept { return addresses_.front(); }
  /// Whether the sockets are open: until close(), and again from reopen() on.
  bool listening() const noexcept { return sockets_.front().native_handle() >= 0; }
  /// A listening socket's descriptor; -1 after close().
  int native_handle(std::size_t listener = 0) const noexcept { return sockets_[listener].native_handle(); }

  /// Waits until a connection is there (if `connections`), wake() was called or the deadline has passed.
  /// A wake-up is taken by one wait. On a fiber the others of its loop have their turn before each event.
  Event wait(bool connections, Deadline deadline);
  /// Ends the wait under way or the next one. Threads: any.
  void wake() noexcept;
  /// Takes one waiting connection, of the listening sockets in turn, so that a busy one holds none of the others up;
  /// never blocks. Short of descriptors it spends a spare one to turn the connection away, so that its peer learns of
  /// it; after refuse_new() the spare one is the connection's, and when that is gone, too, connections stay where they
  /// are, since room comes then.
  Accepted accept() noexcept;

  /// From now on no connection arrives, while those that have can still be accepted: after it accept() until
  /// operation_would_block and close() lose none.
  void refuse_new() noexcept;
  /// @returns how many have connected that are not accepted yet, or, short of descriptors, at least how many.
  std::size_t waiting() noexcept;
  /// Stops listening. New connections are refused by the kernel.
  void close() noexcept;
  /// Listens again, on the same addresses: all of them, or none. @throws std::system_error.
  void reopen();

 private:
  void open_all(const std::vector<ListenOptions>& listen, const SocketOptions& socket);
  Accepted accept_from(std::size_t listener) noexcept;
  void turn_one_away(std::size_t listener) noexcept;

  FileDescriptor wake_;
  FileDescriptor spare_;                  // given up for a moment when the process has no other left
  std::vector<ListeningSocket> sockets_;  // never empty
  std::vector<SocketAddress> addresses_;
  WaitSet waits_;         // the wake-up in the first place, then the sockets
  std::size_t next_ = 0;  // the one to accept from
  bool refuses_new_ = false;
};

}  // namespace socketserver::detail
