#pragma once
// The connected byte stream that a handler talks to: a socket on a server, memory in a test.
//
// Underneath are virtual functions that report bytes and an error code and take a Deadline: a class of streams
// implements them. On top are Python's calls, which throw: a handler calls those.

#include <cstddef>
#include <memory>
#include <optional>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/errors.hpp>
#include <socketserver/base/visibility.hpp>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace SOCKETSERVER_PUBLIC socketserver {

class Writer;
namespace detail {
class PartialSend;
}  // namespace detail

/// The operation that an IoResult reports on.
enum class IoOperation {
  receive,    ///< recv, or one of a Reader's calls
  send,       ///< sendall, or a flush
  handshake,  ///< what a layer exchanges with its peer before the first byte
  shutdown,   ///< the end of a direction
};

/// @returns its name in an error's text: Python's, where there is one.
const char* to_string(IoOperation operation) noexcept;

/// What one operation did: a number of bytes, then perhaps an error. No bytes and no error from a read is EOF.
struct IoResult {
  std::size_t bytes = 0;                         ///< received or sent, also before an error
  std::error_code error{};                       ///< std::errc::timed_out where a deadline passed
  IoOperation operation = IoOperation::receive;  ///< the one that failed
};

/// What a read waits for: a message's start, in which case a drain ends the wait, or more of one, which then may come.
enum class Wait { message, more };

/// The direction that ends, as this side sees it.
enum class ShutdownHow { read, write, both };

namespace detail {
inline constexpr const char* kIdleTimeout = "idle timeout, no message";  // what a TimeoutError of that clock says
}

/// How long each kind of wait may take; nullopt is no limit.
struct StreamTimeouts {
  std::optional<Duration> idle{};   ///< for a message's first byte, and for each recv
  std::optional<Duration> read{};   ///< from a message's first byte to its last
  std::optional<Duration> write{};  ///< one sendall or flush, all of it
};

/// Observes the bytes that a stream sends and receives, as for a log. Threads: sent() and received() may overlap.
class StreamObserver {
 public:
  StreamObserver() = default;
  StreamObserver(const StreamObserver&) = delete;
  StreamObserver& operator=(const StreamObserver&) = delete;
  virtual ~StreamObserver() = default;

  /// One read's bytes, at least one.
  virtual void received(std::span<const std::byte> bytes) noexcept = 0;
  /// What one sendall or flush has sent, at least one byte.
  virtual void sent(std::span<const std::byte> bytes) noexcept = 0;
};

/// The abstract stream.
/// Threads: one reader at a time and any number of senders; each sendall arrives whole. shutdown, drain
/// and abort may come from any thread; close and destruction only from the owner.
class Stream {
 public:
  Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream();

  /// Reads what has arrived, waiting for at least one byte.
  /// @returns 1 to max_bytes bytes; empty at EOF.
  /// @throws TimeoutError  the idle time, or the connection's lifetime, is over.
  /// @throws StreamError   the connection failed.
  std::string recv(std::size_t max_bytes);
  /// The same into the caller's memory. @returns the number of bytes, 0 at EOF.
  std::size_t recv(std::span<std::byte> into);
  /// The same without exceptions.
  IoResult try_recv(std::span<std::byte> into);

  /// Sends all the bytes, in one piece as the other senders see it, within the write timeout.
  /// After a failure the peer may have had a part of them: the connection is shut down and later calls fail at once.
  /// @throws TimeoutError, StreamError  with bytes_transferred().
  void sendall(std::string_view bytes);
  /// @overload
  void sendall(std::span<const std::byte> bytes);
  /// The same without exceptions.
  IoResult try_sendall(std::string_view bytes);
  /// @overload
  IoResult try_sendall(std::span<const std::byte> bytes);

  /// Sets all of timeouts() at once: Python's call. nullopt is no limit, zero does not wait.
  /// Threads: the owner, and not while another thread may call sendall: set them before sharing the stream.
  void settimeout(std::optional<Duration> timeout) noexcept { timeouts_ = {timeout, timeout, timeout}; }
  /// Sets each apart. Threads: as settimeout().
  void set_timeouts(const StreamTimeouts& timeouts) noexcept { timeouts_ = timeouts; }
  /// @returns what was set last; before, no limits. A server sets its configuration's.
  const StreamTimeouts& timeouts() const noexcept { return timeouts_; }
  /// Ends every wait, also one with a longer timeout; past it nothing is read or sent, even if it could be at once.
  void set_lifetime(Deadline lifetime) noexcept { lifetime_ = lifetime; }
  /// @returns now + timeout, at most the lifetime.
  Deadline deadline(std::optional<Duration> timeout) const noexcept;

  /// What comes before each wait for input, and before its clock starts: flushes the tied writer.
  /// @returns no bytes, and an error if there is to be no wait.
  IoResult prepare_to_wait();
  /// Reads once, after prepare_to_wait(): what recv and Reader are made of.
  IoResult receive(std::span<std::byte> into, Deadline until, Wait wait);
  /// Has this writer flushed before each wait for input, as std::cout is before std::cin waits; null ends that.
  void tie(Writer* writer) noexcept { tied_ = writer; }

  /// Whether a sendall has failed: what was sent before it may not have arrived. Threads: any.
  bool send_failed() const noexcept;

  /// Has an observer told from now on; null ends that, and costs nothing. Threads: the owner, before sharing.
  void observe(std::unique_ptr<StreamObserver> observer) noexcept { observer_ = std::move(observer); }

  /// Closes a direction: after `write` the peer sees EOF, after `read` this side does. A peer that is gone is no error.
  virtual void shutdown(ShutdownHow how = ShutdownHow::both) noexcept = 0;
  /// The same for the sending direction, where the stream has something to send for it, as TLS has. The default calls
  /// shutdown(), which sends nothing and does not wait. Threads: as shutdown().
  /// @returns no bytes, and an error if the peer could not be told by the deadline: it sees the connection cut off.
  virtual IoResult shutdown_write(Deadline deadline) noexcept;
  /// Releases the connection. Safe to call twice; later reads and sends fail.
  virtual void close() noexcept = 0;
  /// From now on a wait for a message ends with EOF, once what has already arrived has been read.
  virtual void drain() noexcept = 0;
  /// Ends all waits, now and later, with an error.
  virtual void abort() noexcept = 0;
  /// The clock that this stream's deadlines are on.
  virtual const Clock& clock() const noexcept { return steady_clock(); }

  /// Reads at least one byte unless there is an error or EOF. An expired deadline still takes what is there.
  virtual IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) = 0;
  /// Whether the EOF that read_some() has returned is this side's doing, by drain() or shutdown(), and not the peer's.
  /// A layer above needs to know, to tell a drain from a truncated message. Threads: the reader.
  virtual bool end_is_local() const noexcept { return false; }
  /// Whether wait_some() does, so that a reader needs no buffer while it waits.
  virtual bool waits_without_buffer() const noexcept { return false; }
  /// Waits until there is input, so that read_some() usually does not block. @returns no bytes, and perhaps an error.
  virtual IoResult wait_some(Deadline /*deadline*/, Wait /*wait*/) { return {}; }
  /// Writes at least one byte unless there is an error. An expired deadline still writes what there is room for.
  /// A layer that has taken bytes and could not pass all on by the deadline returns their number and timed_out; the
  /// next call, perhaps with no bytes, passes the others on first.
  virtual IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) = 0;

  /// Waits for a sendall under way to end; later ones fail. What close() begins with.
  void end_sends() noexcept;

 private:
  friend class detail::PartialSend;
  struct Senders;
  class SendTurn;
  bool outlived() const noexcept;
  IoResult send_in(SendTurn& turn, std::span<const std::byte> bytes, bool may_wait);
  void fail_in(SendTurn& turn, std::error_code error) noexcept;

  StreamTimeouts timeouts_;
  Deadline lifetime_ = Deadline::never();
  Writer* tied_ = nullptr;
  std::unique_ptr<Senders> senders_;
  std::unique_ptr<StreamObserver> observer_;
};

/// @throws TimeoutError where the error is a timeout, else StreamError.
[[noreturn]] void throw_stream_error(const IoResult& result);

}  // namespace socketserver
