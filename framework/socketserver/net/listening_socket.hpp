#pragma once
// One listening socket, TCP or Unix: binding, accepting without a wait, and the end of arrivals.

#include <deque>
#include <socketserver/net/address.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/net/unix_socket_file.hpp>
#include <system_error>
#include <utility>

namespace socketserver::detail {

/// Threads: one at a time.
class ListeningSocket {
 public:
  /// A connection, or why there is none.
  struct Accepted {
    FileDescriptor socket{};   // in blocking mode; empty if there is an error
    SocketAddress peer{};      // no address if there is an error
    std::error_code error{};   // operation_would_block: none is waiting
    std::size_t listener = 0;  // the place of its listening socket in a ListenerSet
  };

  /// Binds to the host's first address, or to the path, and listens. The next address is tried only where the host
  /// lacks the family. @throws std::system_error  what() names the address, also one that is in use.
  ListeningSocket(const ListenOptions& listen, const SocketOptions& socket);
  ListeningSocket(ListeningSocket&&) = default;
  ListeningSocket& operator=(ListeningSocket&&) = default;
  ~ListeningSocket() { close(); }

  /// The bound address, port 0 resolved. Stays after close().
  const SocketAddress& address() const noexcept { return address_; }
  /// -1 after close().
  int native_handle() const noexcept { return listener_.get(); }

  /// Takes one waiting connection; never blocks.
  Accepted accept() noexcept;
  /// From now on no connection arrives, while those that have can still be accepted: after it accept() until
  /// operation_would_block and close() lose none.
  void refuse_new() noexcept;
  /// @returns how many have connected that are not accepted yet, or, short of descriptors, at least how many.
  std::size_t waiting() noexcept;
  /// Stops listening, and removes a Unix socket's file. New connections are refused by the kernel.
  void close() noexcept;
  /// Listens again, on the same address. @throws std::system_error.
  void reopen();

 private:
  bool is_unix() const noexcept { return address_.family() == AF_UNIX; }
  FileDescriptor open(const SocketAddress& address);
  FileDescriptor open_first();
  Accepted accept_next() noexcept;

  ListenOptions listen_;
  SocketOptions socket_;
  UnixSocketFile file_;
  FileDescriptor listener_;
  SocketAddress address_;
  std::deque<Accepted> counted_;  // of a Unix socket: taken by waiting(), for accept()
};

}  // namespace socketserver::detail
