#include <socketserver/io/stream.hpp>

#include <algorithm>
#include <mutex>
#include <socketserver/base/detail/wait_list.hpp>
#include <socketserver/io/writer.hpp>

namespace socketserver {

// Senders take turns, so that messages arrive whole. The turn is a flag under a mutex rather than a mutex
// held while sending, so that waiting for it has a deadline.
struct Stream::Senders {
  std::mutex mutex;
  detail::WaitList turn_over;  // guarded by mutex, as all below
  bool sending = false;
  std::error_code broken;  // the first failure
};

class Stream::SendTurn {
 public:
  SendTurn(Senders& senders, Deadline deadline, const Clock& clock) : senders_(senders) {
    std::unique_lock lock(senders_.mutex);
    const auto free = [this] { return !senders_.sending; };
    if (free() || senders_.turn_over.wait_for(lock, on_steady_clock(deadline, clock), free)) {
      taken_ = senders_.sending = true;
      error_ = senders_.broken;
    } else {
      error_ = std::make_error_code(std::errc::timed_out);
    }
  }
  SendTurn(const SendTurn&) = delete;
  SendTurn& operator=(const SendTurn&) = delete;
  ~SendTurn() {
    if (!taken_) return;
    // Notified under the lock: once it is released, the owner may destroy the stream.
    const std::lock_guard lock(senders_.mutex);
    senders_.sending = false;
    senders_.turn_over.notify_one();
  }

  std::error_code error() const { return error_; }
  void fail(std::error_code error) {
    const std::lock_guard lock(senders_.mutex);
    senders_.broken = error;
  }

 private:
  static Deadline on_steady_clock(Deadline deadline, const Clock& clock) {
    if (deadline.is_never() || &clock == &steady_clock()) return deadline;
    return Deadline::after(deadline.remaining(clock));
  }

  Senders& senders_;
  bool taken_ = false;
  std::error_code error_;
};

Stream::Stream() : senders_(std::make_unique<Senders>()) {}
Stream::~Stream() = default;

Deadline Stream::deadline(std::optional<Duration> timeout) const noexcept {
  return std::min(Deadline::after(timeout, clock()), lifetime_);
}

bool Stream::outlived() const noexcept { return !lifetime_.is_never() && lifetime_.expired(clock()); }

IoResult Stream::receive(std::span<std::byte> into, Deadline deadline, Wait wait) {
  if (outlived()) return {0, std::make_error_code(std::errc::timed_out)};
  if (tied_ != nullptr) {
    if (const IoResult flushed = tied_->try_flush(); flushed.error) return {0, flushed.error, flushed.operation};
  }
  const IoResult result = read_some(into, deadline, wait);
  if (observer_ != nullptr && result.bytes > 0) observer_->received(into.first(result.bytes));
  return result;
}

IoResult Stream::try_recv(std::span<std::byte> into) { return receive(into, deadline(timeouts_.idle), Wait::message); }

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
  const Deadline until = deadline(timeouts_.write);
  SendTurn turn(*senders_, until, clock());
  IoResult sent{0, turn.error(), "sendall"};
  if (outlived()) sent.error = std::make_error_code(std::errc::timed_out);
  if (sent.error) return sent;
  while (sent.bytes < bytes.size() && !sent.error) {
    const IoResult part = write_some(bytes.subspan(sent.bytes), until);
    sent.bytes += part.bytes;
    sent.error = part.error;
  }
  if (observer_ != nullptr && sent.bytes > 0) observer_->sent(bytes.first(sent.bytes));
  if (sent.error) {
    turn.fail(sent.error);
    abort();
  }
  return sent;
}

void Stream::sendall(std::span<const std::byte> bytes) {
  const IoResult result = try_sendall(bytes);
  if (result.error) throw_stream_error(result);
}

void Stream::sendall(std::string_view bytes) { sendall(std::as_bytes(std::span(bytes))); }
IoResult Stream::try_sendall(std::string_view bytes) { return try_sendall(std::as_bytes(std::span(bytes))); }

void Stream::end_sends() noexcept {
  SendTurn(*senders_, Deadline::never(), clock()).fail(std::make_error_code(std::errc::bad_file_descriptor));
}

void throw_stream_error(const IoResult& result) {
  if (result.error == std::errc::timed_out) throw TimeoutError(result.operation, result.bytes);
  throw StreamError(result.error, result.operation, result.bytes);
}

}  // namespace socketserver
