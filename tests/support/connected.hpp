#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <socketserver/net/socket_stream.hpp>
#include <system_error>
#include <utility>

namespace testing_support {

/// Two ends of a connection, each to be used by one thread or fiber.
inline std::pair<std::unique_ptr<socketserver::SocketStream>, std::unique_ptr<socketserver::SocketStream>> connected() {
  using namespace socketserver;
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  return {std::make_unique<SocketStream>(FileDescriptor(fds[0]), SocketAddress()),
          std::make_unique<SocketStream>(FileDescriptor(fds[1]), SocketAddress())};
}

}  // namespace testing_support
