#pragma once
// How a fiber waits for a socket: it tries without waiting, and is suspended until its loop reports an edge.

#include <atomic>
#include <cstddef>
#include <socketserver/base/deadline.hpp>
#include <socketserver/io/stream.hpp>
#include <socketserver/net/detail/wait_mark.hpp>
#include <span>
#include <system_error>

namespace socketserver::detail {

class Fiber;
class Watch;

/// The operations as SocketWaiter's. The first reader's registration with its loop is kept for the socket's life.
/// Threads: one fiber receives, one sends.
class FiberWaiter {
 public:
  IoResult receive(Fiber& fiber, int fd, std::span<std::byte> into, Deadline deadline, const WaitMark* mark);
  IoResult send(Fiber& fiber, int fd, std::span<const std::byte> bytes, Deadline deadline);
  std::error_code wait_readable(Fiber& fiber, int fd, Deadline deadline, const WaitMark* mark);
  std::error_code wait_arrival(Fiber& fiber, int fd, Deadline deadline);
  void release() noexcept;

 private:
  enum class Edge { come, overdue, forbidden, failed };  // failed: with errno set
  class Registration;
  Edge wait_edge(Fiber& fiber, Watch& watch, Deadline deadline, const WaitMark* mark);

  std::atomic<Watch*> watch_{nullptr};      // with the loop of the fiber that first read
  std::atomic<Watch*> interrupt_{nullptr};  // the same, of the mark's eventfd
};

}  // namespace socketserver::detail
