#include <socketserver/io/stream.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <socketserver/io/partial_send.hpp>
#include <socketserver/io/writer.hpp>
#include <socketserver/wait/detail/wait_list.hpp>
#include <utility>

namespace socketserver {
namespace {

Deadline on_steady_clock(Deadline deadline, const Clock& clock) {
  if (deadline.is_never() || &clock == &steady_clock()) return deadline;
  return Deadline::after(deadline.remaining(clock));
}

std::error_code over_time() { return std::make_error_code(std::errc::timed_out); }

}  // namespace

// Senders take turns, so that messages arrive whole. The turn is a flag rather than a mutex held while sending, so that
// waiting for it has a deadline. Taking it costs one atomic operation where no other thread or fiber sends.
struct Stream::Senders {
  enum Turn : unsigned { free, taken, awaited };  // awaited: taken, and a sender may wait

  std::atomic<unsigned> turn{free};
  std::error_code broken;           // the first failure; belongs to the one that has the turn, as the next does
  bool held = false;                // a layer has taken bytes that it could not pass on yet
  std::atomic<bool> failed{false};  // as `broken` until end_sends(), for any thread
  std::mutex mutex;
  detail::WaitList turn_over;  // guarded by mutex

  bool try_take() noexcept {
    unsigned expected = free;
    return turn.compare_exchange_strong(expected, taken);
  }
};

class Stream::SendTurn {
 public:
  /// @param deadline  called only if there is a wait; a time of the steady clock.
  template <typename MakeDeadline>
  SendTurn(Senders& senders, MakeDeadline deadline) : SendTurn(senders, senders.try_take()) {
    if (!taken_) taken_ = wait(deadline());
  }
  /// @param taken  whether it is this one's already.
  SendTurn(Senders& senders, bool taken) noexcept : senders_(senders), taken_(taken) {}
  SendTurn(const SendTurn&) = delete;
  SendTurn& operator=(const SendTurn&) = delete;
  ~SendTurn() {
    unsigned expected = Senders::taken;
    // Once the turn is over the owner may destroy the stream: after end_sends(), which waits for this lock.
    if (!taken_ || senders_.turn.compare_exchange_strong(expected, Senders::free)) return;
    const std::lock_guard lock(senders_.mutex);
    if (!senders_.turn_over.notify_one()) senders_.turn = Senders::free;  // else it is that one's now
  }

  std::error_code error() const { return taken_ ? senders_.broken : over_time(); }
  void fail(std::error_code error) { senders_.broken = error; }
  /// Leaves the turn to another SendTurn.
  void keep() noexcept { taken_ = false; }

 private:
  bool wait(Deadline deadline) {
    std::unique_lock lock(senders_.mutex);
    return senders_.turn.exchange(Senders::awaited) == Senders::free || senders_.turn_over.wait(lock, deadline);
  }

  Senders& senders_;
  bool taken_ = false;
};

Stream::Stream() : senders_(std::make_unique<Senders>()) {}
Stream::~Stream() = default;

Deadline Stream::deadline(std::optional<Duration> timeout) const noexcept {
  return std::min(Deadline::after(timeout, clock()), lifetime_);
}

bool Stream::outlived() const noexcept { return !lifetime_.is_never() && lifetime_.expired(clock()); }

IoResult Stream::prepare_to_wait() {
  if (outlived()) return {0, over_time()};
  if (tied_ == nullptr) return {};
  const IoResult flushed = tied_->try_flush();
  return {0, flushed.error, flushed.operation};
}

IoResult Stream::receive(std::span<std::byte> into, Deadline until, Wait wait) {
  const IoResult result = read_some(into, until, wait);
  if (observer_ != nullptr && result.bytes > 0) observer_->received(into.first(result.bytes));
  return result;
}

IoResult Stream::try_recv(std::span<std::byte> into) {
  if (const IoResult result = prepare_to_wait(); result.error) return result;
  return receive(into, deadline(timeouts_.idle), Wait::message);
}

std::size_t Stream::recv(std::span<std::byte> into) {
  const IoResult result = try_recv(into);
  if (result.error) throw_stream_error(result);
  return result.bytes;
}

std::string Stream::recv(std::size_t max_bytes) {
  // Read into a bounded block first: what a caller allows may be far more than what has come.
  std::string bytes(std::min<std::size_t>(max_bytes, 65536), '\0');
  bytes.resize(recv(std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

IoResult Stream::try_sendall(std::span<const std::byte> bytes) {
  SendTurn turn(*senders_, [this] { return on_steady_clock(deadline(timeouts_.write), clock()); });
  return send_in(turn, bytes, true);
}

/// @param may_wait  otherwise timed_out is no failure: the rest is still to be sent.
IoResult Stream::send_in(SendTurn& turn, std::span<const std::byte> bytes, bool may_wait) {
  IoResult sent{0, turn.error(), IoOperation::send};
  if (outlived()) sent.error = over_time();
  if (sent.error) return sent;
  Deadline until = Deadline::at_once();  // usually there is room, and no clock is needed
  while ((sent.bytes < bytes.size() || senders_->held) && !sent.error) {
    const IoResult part = write_some(bytes.subspan(sent.bytes), until);
    sent.bytes += part.bytes;
    senders_->held = part.error == std::errc::timed_out && (senders_->held || part.bytes > 0);
    if (!part.error) continue;
    if (may_wait && until == Deadline::at_once() && part.error == std::errc::timed_out) {
      until = deadline(timeouts_.write);
    } else {
      sent.error = part.error;
    }
  }
  if (observer_ != nullptr && sent.bytes > 0) observer_->sent(bytes.first(sent.bytes));
  if (sent.error && (may_wait || sent.error != std::errc::timed_out)) fail_in(turn, sent.error);
  return sent;
}

void Stream::fail_in(SendTurn& turn, std::error_code error) noexcept {
  turn.fail(error);
  senders_->failed = true;
  abort();
}

IoResult detail::PartialSend::begin(std::span<const std::byte> bytes) {
  if (!stream_.senders_->try_take()) return {0, over_time(), IoOperation::send};
  Stream::SendTurn turn(*stream_.senders_, true);
  const IoResult sent = stream_.send_in(turn, bytes, false);
  begun_ = sent.bytes > 0 && sent.error == std::errc::timed_out;
  if (begun_) turn.keep();
  return sent;
}

IoResult detail::PartialSend::finish(std::span<const std::byte> rest) {
  if (!std::exchange(begun_, false)) return stream_.try_sendall(rest);
  Stream::SendTurn turn(*stream_.senders_, true);
  const IoResult sent = stream_.send_in(turn, rest, true);
  if (sent.error && !stream_.send_failed()) stream_.fail_in(turn, sent.error);  // the lifetime is over
  return sent;
}

void detail::PartialSend::give_up() noexcept {
  if (!std::exchange(begun_, false)) return;
  Stream::SendTurn turn(*stream_.senders_, true);
  stream_.fail_in(turn, std::make_error_code(std::errc::operation_canceled));
}

IoResult Stream::shutdown_write(Deadline) noexcept {
  shutdown(ShutdownHow::write);
  return {0, {}, IoOperation::shutdown};
}

bool Stream::send_failed() const noexcept { return senders_->failed; }

void Stream::sendall(std::span<const std::byte> bytes) {
  const IoResult result = try_sendall(bytes);
  if (result.error) throw_stream_error(result);
}

void Stream::sendall(std::string_view bytes) { sendall(std::as_bytes(std::span(bytes))); }
IoResult Stream::try_sendall(std::string_view bytes) { return try_sendall(std::as_bytes(std::span(bytes))); }

void Stream::end_sends() noexcept {
  SendTurn(*senders_, [] { return Deadline::never(); }).fail(std::make_error_code(std::errc::bad_file_descriptor));
  const std::lock_guard lock(senders_->mutex);  // the sender that ended the turn before has released it
}

const char* to_string(IoOperation operation) noexcept {
  switch (operation) {
    case IoOperation::receive: return "recv";
    case IoOperation::send: return "sendall";
    case IoOperation::handshake: return "handshake";
    case IoOperation::shutdown: return "shutdown";
  }
  return "";
}

void throw_stream_error(const IoResult& result) {
  if (result.error == std::errc::timed_out) throw TimeoutError(to_string(result.operation), result.bytes);
  throw StreamError(result.error, to_string(result.operation), result.bytes);
}

}  // namespace socketserver
