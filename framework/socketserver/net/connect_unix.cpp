#include <socketserver/net/connect_unix.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <socketserver/base/last_error.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/net/socket_texts.hpp>
#include <socketserver/wait/offload.hpp>
#include <utility>

namespace socketserver {
namespace {

using detail::last_error;

void block(int fd, bool on) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) != 0) {
    detail::throw_last_error("fcntl");
  }
}

/// While the server's queue is full connect(2) waits for at most SO_SNDTIMEO, and nothing reports when there is room.
/// Source: unix(7), unix_stream_connect() in Linux.
std::error_code connect_by(int fd, const SocketAddress& address, Deadline deadline) {
  block(fd, true);
  for (;;) {
    const Duration left = std::min<Duration>(deadline.remaining(), std::chrono::hours(24));
    if (left <= Duration::zero()) return std::make_error_code(std::errc::timed_out);
    const auto microseconds = std::chrono::ceil<std::chrono::microseconds>(left).count();
    const timeval bound{.tv_sec = microseconds / 1'000'000, .tv_usec = microseconds % 1'000'000};
    if (::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) != 0) return last_error();
    if (::connect(fd, address.data(), address.size()) == 0) break;
    if (errno != EAGAIN && errno != EINTR) return last_error();
  }
  const timeval none{};  // a stream sets its own
  return ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none) == 0 ? std::error_code() : last_error();
}

std::error_code connect_now(int fd, const SocketAddress& address) {
  block(fd, false);
  const std::error_code error = ::connect(fd, address.data(), address.size()) == 0 ? std::error_code() : last_error();
  block(fd, true);
  return error;
}

FileDescriptor connected(const SocketAddress& address, const ConnectOptions& options) {
  const Deadline deadline = Deadline::after(options.connect_timeout);
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int fd = socket.get();
  if (!socket) detail::throw_last_error("socket");
  apply_options(fd, {.receive_buffer = options.receive_buffer, .send_buffer = options.send_buffer});
  std::error_code error = connect_now(fd, address);
  if (error.value() == EAGAIN) error = offload([&] { return connect_by(fd, address, deadline); });
  if (error) throw std::system_error(error);
  return socket;
}

}  // namespace

SocketStream create_unix_connection(std::string_view path, const ConnectOptions& options) {
  const StreamTimeouts timeouts{options.io_timeout, options.io_timeout, options.io_timeout};
  const std::string target = concat("cannot connect to unix:", escaped(path));
  try {
    const SocketAddress address = unix_address(path);
    return SocketStream(connected(address, options), address, timeouts, options.log);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::timed_out) throw StreamError(error.code(), target);
    throw TimeoutError(
        concat(target, " within the connect timeout of ", detail::timeout_text(options.connect_timeout)));
  }
}

}  // namespace socketserver
