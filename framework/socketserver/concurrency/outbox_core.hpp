#pragma once
// What an Outbox, the broadcasts it is in and its sender share.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <socketserver/concurrency/outbox.hpp>
#include <socketserver/io/partial_send.hpp>
#include <socketserver/wait/detail/wait_list.hpp>
#include <socketserver/wait/execution.hpp>
#include <span>
#include <thread>

namespace socketserver::detail {

/// One thread or fiber at a time has the sender's role, and only that one touches the stream's bytes:
///
///     enqueue -> waiting_ -> current_ -> the stream
///                         role: a poster in send_now(); then, if it would have to wait, the outbox's own sender
///
/// The role is taken and given up under the mutex, which is not held while sending.
class OutboxCore : public std::enable_shared_from_this<OutboxCore> {
 public:
  OutboxCore(Stream& out, const OutboxOptions& options);
  OutboxCore(const OutboxCore&) = delete;
  OutboxCore& operator=(const OutboxCore&) = delete;
  ~OutboxCore() = default;

  struct Queued {
    bool taken = false;
    bool push = false;  // a call of push() is to follow
  };
  /// Only queues. @param message  not null.
  Queued enqueue(SharedMessage message) noexcept;
  /// Sends what takes no wait, and starts the sender for the rest; or ends the connection of a full outbox.
  void push() noexcept;

  bool flush(Deadline deadline);
  Deadline write_deadline() const noexcept;
  /// The stream is not touched after this.
  void close() noexcept;

  bool open() const noexcept;
  std::size_t waiting() const noexcept;
  std::uint64_t dropped() const noexcept;

 private:
  bool fits(std::size_t bytes) const noexcept;
  bool append(SharedMessage message) noexcept;
  void drop_front() noexcept;
  void stop_taking() noexcept;
  void end_connection(std::unique_lock<std::mutex>& lock) noexcept;
  void send_now() noexcept;
  bool take_next() noexcept;
  bool send_without_waiting() noexcept;
  void send_waiting() noexcept;
  void start_sender() noexcept;
  void run_sender() noexcept;
  void sent(const IoResult& result) noexcept;
  std::span<const std::byte> rest() const noexcept;

  const OutboxOptions options_;
  Stream& stream_;
  Loop* const loop_;  // the sender's; null for a thread

  mutable std::mutex mutex_;
  WaitList changed_;                   // guarded by mutex_, as are all members down to thread_
  std::deque<SharedMessage> waiting_;  // in the order of posts
  std::size_t waiting_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool closed_ = false;      // takes no more messages; the current one is the last
  bool to_end_ = false;      // was full: the next push() ends the connection
  unsigned ending_ = 0;      // threads that are ending the connection
  bool sending_ = false;     // the role is taken
  bool own_sender_ = false;  // by a thread or fiber that may wait
  std::thread thread_;       // the last one started

  // Touched only by the holder of the role.
  SharedMessage current_;
  std::size_t sent_bytes_ = 0;  // of current_
  PartialSend partial_;
};

}  // namespace socketserver::detail
