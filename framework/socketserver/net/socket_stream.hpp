#pragma once
// A stream over a connected socket, TCP or Unix: the server's connections and the client's, on threads and on fibers.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <socketserver/base/visibility.hpp>
#include <socketserver/net/address.hpp>
#include <socketserver/net/detail/served_stream.hpp>
#include <socketserver/net/detail/socket_waiter.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {
class Logger;

/// How it waits is its SocketWaiter's: on a thread in the kernel, on a fiber by the loop, one recv(2) or send(2) an
/// operation in both. Its own is what a drain does to the reader. Threads: as Stream.
class SocketStream final : public detail::ServedStream {
 public:
  /// @param socket  connected, in blocking mode. A Unix socket takes a second descriptor, to end its waits by.
  /// @param log     outlives the stream; if it writes debug lines, each read and each sendall is one. Null is none.
  /// @throws std::system_error  there is no second descriptor.
  SocketStream(FileDescriptor socket, const SocketAddress& peer, const StreamTimeouts& timeouts = {},
               Logger* log = nullptr);
  ~SocketStream() override;

  /// As the constructor got it, so also after close().
  const SocketAddress& peer_address() const noexcept { return peer_; }
  /// @throws std::system_error  the stream is closed.
  SocketAddress local_address() const;
  /// For options this class does not have. Threads: the owner.
  int native_handle() const noexcept override { return socket_.get(); }

  /// @name What a server asks of it
  ///@{

  /// Bytes received so far. Threads: any.
  std::uint64_t bytes_in() const noexcept override { return bytes_in_.load(std::memory_order_relaxed); }
  /// Bytes sent so far. Threads: any.
  std::uint64_t bytes_out() const noexcept override { return bytes_out_.load(std::memory_order_relaxed); }
  /// Whether the peer has sent EOF, and all before it was read. Threads: the owner.
  bool at_eof() const noexcept override { return at_eof_; }
  /// Whether this side has shut reading down, as a drain may.
  bool read_is_shut() const noexcept override { return (state_.load() & kReadShut) != 0; }
  /// What has come, without waiting or reading. Threads: the owner.
  detail::FirstInput first_input() const noexcept override;
  /// Closes the stream and gives its socket away, if there is one, open. Threads: the owner.
  FileDescriptor release() noexcept override;
  ///@}

  /// @name Stream's, for a socket
  ///@{

  /// As in Stream.
  void shutdown(ShutdownHow how = ShutdownHow::both) noexcept override;
  void close() noexcept override;
  void drain() noexcept override;
  void abort() noexcept override;
  bool end_is_local() const noexcept override { return !at_eof_; }
  IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) override;
  bool waits_without_buffer() const noexcept override;
  IoResult wait_some(Deadline deadline, Wait wait) override;
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override;
  ///@}

 private:
  // Bits of state_: what the reader is doing and what others have asked for.
  //
  //   between two messages --read_some(message)--> kWaiting --bytes or EOF--> in a message
  //           |                                       |                           |
  //           |drain()                         drain()|ends the wait              |drain()
  //           v                                       v                           v
  //   kDraining: read_before_mark()           what has come, then 0:      kDraining: the rest is waited for, also
  //   serves what the kernel has              the message's, or EOF       where reading is shut: read_rest()
  //
  // drain() ends a wait by shutting TCP's reading direction down. The reader clears kWaiting when it has its bytes, and
  // drain() may have seen it set just before: then reading is shut down in a message, and recv(2) returns 0 where it
  // would wait, while the kernel still takes what comes. A Unix socket's peer could send no more, so there an eventfd
  // ends the wait.
  static constexpr unsigned kWaiting = 1;   // the reader waits for a message
  static constexpr unsigned kDraining = 2;  // drain() was called
  static constexpr unsigned kAborted = 4;   // abort() was called
  static constexpr unsigned kReadShut = 8;  // this side has shut reading down: recv's 0 is not the peer's EOF
  static constexpr unsigned kWriteShut = 16;

  bool has(unsigned bits) const noexcept { return (state_.load() & bits) != 0; }
  IoResult read_message_start(std::span<std::byte> into, Deadline deadline);
  IoResult read_before_mark(std::span<std::byte> into);
  IoResult read_rest(std::span<std::byte> into, Deadline deadline);
  void end_wait() noexcept;
  bool peer_has_closed() const noexcept;
  bool unix_peer_has_closed() const noexcept;

  FileDescriptor socket_;
  const SocketAddress peer_;
  std::mutex shutdown_mutex_;  // held while another thread shuts the socket down, so that it is not closed meanwhile
  std::atomic<unsigned> state_{0};
  FileDescriptor interrupt_;  // of a Unix socket: see drain()
  const detail::WaitMark message_wait_;
  detail::SocketWaiter waiter_;
  std::atomic<std::uint64_t> bytes_in_{0};
  std::atomic<std::uint64_t> bytes_out_{0};
  bool at_eof_ = false;
  std::optional<std::uint64_t> drain_mark_{};  // the bytes in that a drain still serves; the reader's
};

}  // namespace socketserver
