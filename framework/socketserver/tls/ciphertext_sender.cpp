#include <socketserver/tls/ciphertext_sender.hpp>

#include <utility>

namespace socketserver::detail {
namespace {

constexpr std::size_t kMaxAnswers = 65536;  // senders leave a record or two there, of 16 KiB

std::error_code over_time() { return std::make_error_code(std::errc::timed_out); }

}  // namespace

Deadline on_steady_clock(Deadline deadline, const Clock& clock) {
  if (deadline.is_never() || &clock == &steady_clock()) return deadline;
  return Deadline::after(deadline.remaining(clock));
}

std::error_code CiphertextSender::flush(std::unique_lock<std::mutex>& lock, Deadline deadline) {
  while (at_work_) {
    if (!over_.wait(lock, on_steady_clock(deadline, below_.clock())) && at_work_) return over_time();
  }
  return send_pending(lock, deadline);
}

void CiphertextSender::flush_now(std::unique_lock<std::mutex>& lock) {
  if (!at_work_) (void)send_pending(lock, Deadline::at_once());
}

std::error_code CiphertextSender::catch_up(std::unique_lock<std::mutex>& lock, Deadline deadline) {
  return output_.size() > kMaxAnswers ? flush(lock, deadline) : std::error_code();
}

std::error_code CiphertextSender::send_pending(std::unique_lock<std::mutex>& lock, Deadline deadline) {
  std::error_code error = broken_;
  at_work_ = true;
  while (!error && pending()) error = send_once(lock, deadline);
  at_work_ = false;
  over_.notify_all();
  if (error == std::errc::timed_out) return error;
  if (error) broken_ = error;
  output_.shrink_to_fit();
  return error;
}

std::error_code CiphertextSender::send_once(std::unique_lock<std::mutex>& lock, Deadline deadline) {
  if (sending_.empty()) sending_.swap(output_);
  lock.unlock();
  const auto bytes = std::as_bytes(std::span(sending_)).subspan(sent_);
  IoResult result;
  try {
    result = below_.write_some(bytes, deadline);
  } catch (...) {
    lock.lock();
    at_work_ = false;
    over_.notify_all();
    throw;
  }
  lock.lock();
  sent_ += result.bytes;
  held_below_ = result.error == std::errc::timed_out && (held_below_ || result.bytes > 0);
  if (sent_ == sending_.size()) {
    sending_ = std::string();
    sent_ = 0;
  }
  return result.error;
}

}  // namespace socketserver::detail
