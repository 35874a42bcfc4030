#include <socketserver/net/socket_options.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <socketserver/base/detail/last_error.hpp>
#include <system_error>

namespace socketserver {

std::optional<int> get_option(int fd, int level, int name) noexcept {
  int value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(fd, level, name, &value, &length) != 0) return std::nullopt;
  return value;
}

void set_option(int fd, int level, int name, int value, const char* what) {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0) {
    detail::throw_last_error(what);
  }
}

void apply_options(int fd, const SocketOptions& options) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, options.nodelay ? 1 : 0, "TCP_NODELAY");
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, options.keepalive ? 1 : 0, "SO_KEEPALIVE");
  if (options.receive_buffer) set_option(fd, SOL_SOCKET, SO_RCVBUF, *options.receive_buffer, "SO_RCVBUF");
  if (options.send_buffer) set_option(fd, SOL_SOCKET, SO_SNDBUF, *options.send_buffer, "SO_SNDBUF");
}

}  // namespace socketserver
