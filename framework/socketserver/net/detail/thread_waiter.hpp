#pragma once
// How a thread waits for a socket: in recv(2) and send(2) themselves, bounded by the socket's own timeouts.

#include <cstddef>
#include <socketserver/base/deadline.hpp>
#include <socketserver/io/stream.hpp>
#include <socketserver/net/detail/wait_mark.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <span>
#include <system_error>

namespace socketserver::detail {

/// The operations as SocketWaiter's. A timeout that is set on the socket is kept, and set again only when it no longer
/// fits, so that most operations are one system call. Threads: one receives, one sends.
class ThreadWaiter {
 public:
  IoResult receive(int fd, std::span<std::byte> into, Deadline deadline, const WaitMark* mark);
  IoResult send(int fd, std::span<const std::byte> bytes, Deadline deadline);
  std::error_code wait_readable(int fd, Deadline deadline, const WaitMark* mark);
  std::error_code wait_arrival(int fd, Deadline deadline);
  void release() noexcept { arrivals_.reset(); }

 private:
  IoResult receive_interruptibly(int fd, std::span<std::byte> into, Deadline deadline, const WaitMark& mark);

  Duration receive_timeout_{};  // SO_RCVTIMEO as set on the socket; zero is none
  Duration send_timeout_{};     // SO_SNDTIMEO, the same
  FileDescriptor arrivals_;     // an epoll that reports each arrival; from the first wait_arrival() on
};

}  // namespace socketserver::detail
