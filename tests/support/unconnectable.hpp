#pragma once
// Addresses of the loopback that cannot be connected to.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <socketserver/net/address.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <system_error>

#include "support/client.hpp"

namespace testing_support {

/// A bound port without a listener, which no other process can get meanwhile.
struct Refusing {
  static socketserver::FileDescriptor bound() {
    socketserver::FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
      throw std::system_error(errno, std::generic_category(), "bind");
    }
    return fd;
  }
  socketserver::FileDescriptor socket = bound();
  socketserver::SocketAddress address = socketserver::local_address(socket.get());
};

/// A server whose queue is full: the kernel drops every further SYN, so that a connect is not answered.
struct FullQueue {
  static socketserver::FileDescriptor queue_of_one() {
    socketserver::FileDescriptor fd = Refusing::bound();
    if (::listen(fd.get(), 0) != 0) throw std::system_error(errno, std::generic_category(), "listen");
    return fd;
  }
  /// Accepts the one that fills the queue.
  void make_room() { const socketserver::FileDescriptor accepted(::accept(listener.get(), nullptr, nullptr)); }

  socketserver::FileDescriptor listener = queue_of_one();
  socketserver::SocketAddress address = socketserver::local_address(listener.get());
  Client only{address};  // waits to be accepted
};

}  // namespace testing_support
