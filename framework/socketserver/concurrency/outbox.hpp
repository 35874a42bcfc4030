#pragma once
// A bounded queue of whole messages to one connection, for senders that must not wait for its peer.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/visibility.hpp>
#include <socketserver/io/stream.hpp>
#include <string>
#include <string_view>

namespace SOCKETSERVER_PUBLIC socketserver {
namespace detail {
class OutboxCore;
}  // namespace detail

/// Bytes that any number of outboxes share: a broadcast copies its message once. Not null.
using SharedMessage = std::shared_ptr<const std::string>;

/// What a post does where an outbox is full.
enum class WhenFull {
  end_connection,  ///< ends the connection: its peer gets every message, or sees an end
  drop_oldest,     ///< drops messages that wait, the oldest first: for messages that a later one supersedes
};

/// The bounds apply to the messages that wait, not to the one that is being sent. Where none waits, a message of any
/// length is taken.
struct OutboxOptions {
  std::size_t max_bytes = 1024 * 1024;            ///< of messages that wait
  std::size_t max_messages = 10'000;              ///< that wait, each of which also takes 16 bytes
  WhenFull when_full = WhenFull::end_connection;  ///< what happens to a connection that falls behind by more
};

/// Sends messages to a connection, whole and in the order of the posts, from any thread or fiber; a handler makes one
/// for its own connection. A post sends at once what the connection takes without a wait. The rest is queued and sent
/// by the outbox's own sender, which runs only while there is a rest: a fiber of the loop of the fiber that made the
/// outbox, otherwise a thread.
///
/// A message that fails, or that takes longer than the stream's write timeout, ends the connection, as a failed
/// sendall does: the queue is dropped, and the handler's read ends with an error. So does a sender that cannot be
/// started. The handler may also use wfile() and sendall: no message is cut by another, but only messages that are sent
/// by the same means are in order.
///
/// Over a MemoryStream with a script no wait takes real time: the sender runs within post(), so that test runs are
/// reproducible.
/// Threads: safe to share; construction and destruction are the owner's.
class Outbox {
 public:
  /// @param out  outlives the outbox.
  explicit Outbox(Stream& out, const OutboxOptions& options = {});
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  /// Drops the queued messages without waiting: where the sender is in the middle of a message, the connection ends. A
  /// handler whose last messages must arrive calls flush() first.
  ~Outbox();

  /// Never waits, never suspends a fiber and never throws because of the peer, so that it may be called with a
  /// std::mutex held.
  /// @returns whether the message was queued or sent; false where the outbox is closed, or full under end_connection.
  /// @throws std::bad_alloc  there is no memory for a copy of it.
  bool post(std::string_view message);
  /// The same without a copy.
  bool post(SharedMessage message);

  /// Waits until every posted message has been sent. @returns false if the deadline expired first, or the outbox is
  /// closed.
  bool flush(Deadline deadline);
  /// The same within the stream's write timeout: what a handler calls before it ends.
  bool flush();

  /// Whether it takes messages: not after a failure, and not once it was full under WhenFull::end_connection.
  bool open() const noexcept;
  /// Messages that wait; not the one that is being sent.
  std::size_t waiting() const noexcept;
  /// Messages that were posted and not sent, or not as a whole: dropped, refused, or left by a failure.
  std::uint64_t dropped() const noexcept;

 private:
  friend class Broadcast;

  // Shared with the broadcasts it is in and with its sender, which may look at it when the stream is gone, and then
  // find it closed.
  std::shared_ptr<detail::OutboxCore> core_;
};

}  // namespace socketserver
