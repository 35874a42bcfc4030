#pragma once
// What both ways to wait for a socket share: the calls that do not wait, and their errors.

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <socketserver/base/last_error.hpp>
#include <socketserver/io/stream.hpp>
#include <span>
#include <system_error>

namespace socketserver::detail {

inline std::error_code timed_out() { return std::make_error_code(std::errc::timed_out); }
/// What an operation reports whose WaitMark forbids the wait.
inline std::error_code forbidden() { return std::make_error_code(std::errc::operation_canceled); }

inline bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

/// Whether a read would return something: bytes, the end or an error.
inline bool has_input(int fd) noexcept {
  char byte = 0;
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || !would_block(errno);
}

/// recv(2) without a wait. @returns timed_out if one would be needed.
inline IoResult receive_now(int fd, std::span<std::byte> into) {
  for (;;) {
    const ssize_t got = ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
    if (got >= 0) return {static_cast<std::size_t>(got), {}};
    if (errno != EINTR) return {0, would_block(errno) ? timed_out() : last_error()};
  }
}

}  // namespace socketserver::detail
