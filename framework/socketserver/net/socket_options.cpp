#include <socketserver/net/socket_options.hpp>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <socketserver/base/last_error.hpp>
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

bool has_unsent(int fd) noexcept {
  int unsent = 0;
  return ::ioctl(fd, SIOCOUTQ, &unsent) != 0 || unsent > 0;
}

void reset_on_close(int fd) noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void bound_unsent(int fd, std::chrono::milliseconds time) noexcept {
  const auto bound = std::clamp<std::chrono::milliseconds::rep>(time.count(), 1, std::numeric_limits<int>::max());
  const auto milliseconds = static_cast<unsigned>(bound);  // 0 would be the system's default
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

namespace {

void set_if(int fd, const std::optional<std::chrono::seconds>& time, int name, const char* what) {
  if (time) set_option(fd, IPPROTO_TCP, name, static_cast<int>(time->count()), what);
}

void apply_tcp_options(int fd, const SocketOptions& options) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, options.nodelay ? 1 : 0, "TCP_NODELAY");
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, options.keepalive ? 1 : 0, "SO_KEEPALIVE");
  set_if(fd, options.keepalive_idle, TCP_KEEPIDLE, "TCP_KEEPIDLE");
  set_if(fd, options.keepalive_interval, TCP_KEEPINTVL, "TCP_KEEPINTVL");
  if (options.keepalive_count) set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, *options.keepalive_count, "TCP_KEEPCNT");
}

}  // namespace

void apply_options(int fd, const SocketOptions& options) {
  if (get_option(fd, SOL_SOCKET, SO_DOMAIN) != AF_UNIX) apply_tcp_options(fd, options);
  if (options.receive_buffer) set_option(fd, SOL_SOCKET, SO_RCVBUF, *options.receive_buffer, "SO_RCVBUF");
  if (options.send_buffer) set_option(fd, SOL_SOCKET, SO_SNDBUF, *options.send_buffer, "SO_SNDBUF");
}

}  // namespace socketserver
