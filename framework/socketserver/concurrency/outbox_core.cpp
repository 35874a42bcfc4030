#include <socketserver/concurrency/outbox_core.hpp>

#include <exception>
#include <new>
#include <utility>

namespace socketserver::detail {
namespace {

// Messages that a poster sends before it leaves the rest to the sender: others may post as fast as it sends.
constexpr unsigned kMaxInPost = 16;

Loop* loop_of_caller() noexcept {
  Fiber* const fiber = current_fiber();
  return fiber != nullptr ? &fiber->loop() : nullptr;
}

}  // namespace

OutboxCore::OutboxCore(Stream& out, const OutboxOptions& options)
    : options_(options), stream_(out), loop_(loop_of_caller()), partial_(out) {}

OutboxCore::Queued OutboxCore::enqueue(SharedMessage message) noexcept {
  const std::lock_guard lock(mutex_);
  const bool drops = options_.when_full == WhenFull::drop_oldest;
  const std::size_t bytes = message->size();
  while (!closed_ && drops && !fits(bytes)) drop_front();
  if (!closed_ && fits(bytes) && append(std::move(message))) return {.taken = true, .push = !sending_};
  ++dropped_;
  if (closed_ || drops) return {};
  stop_taking();
  to_end_ = true;
  return {.taken = false, .push = true};
}

/// @returns false if memory is out, which counts as a full outbox.
bool OutboxCore::append(SharedMessage message) noexcept {
  const std::size_t bytes = message->size();
  try {
    waiting_.push_back(std::move(message));
  } catch (const std::bad_alloc&) {
    return false;
  }
  waiting_bytes_ += bytes;
  return true;
}

bool OutboxCore::fits(std::size_t bytes) const noexcept {
  return waiting_.empty() || (waiting_.size() < options_.max_messages && waiting_bytes_ + bytes <= options_.max_bytes);
}

void OutboxCore::drop_front() noexcept {
  waiting_bytes_ -= waiting_.front()->size();
  waiting_.pop_front();
  ++dropped_;
}

void OutboxCore::stop_taking() noexcept {
  closed_ = true;
  while (!waiting_.empty()) drop_front();
  changed_.notify_all();
}

void OutboxCore::push() noexcept {
  const NotSuspended here;
  std::unique_lock lock(mutex_);
  if (std::exchange(to_end_, false)) return end_connection(lock);
  if (sending_ || waiting_.empty()) return;
  sending_ = true;
  lock.unlock();
  send_now();
}

/// close() waits for it.
void OutboxCore::end_connection(std::unique_lock<std::mutex>& lock) noexcept {
  ++ending_;
  lock.unlock();
  stream_.abort();
  lock.lock();
  --ending_;
  changed_.notify_all();
}

void OutboxCore::send_now() noexcept {
  for (unsigned count = 0; take_next(); ++count) {
    if (count == kMaxInPost || !send_without_waiting()) return start_sender();
  }
}

/// Gives the role up if there is no message. @returns whether there is one, in current_.
bool OutboxCore::take_next() noexcept {
  std::unique_lock lock(mutex_);
  if (closed_) {
    lock.unlock();
    partial_.give_up();
    lock.lock();
    if (current_) ++dropped_;
    current_.reset();
  } else if (!current_ && !waiting_.empty()) {
    current_ = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= current_->size();
    sent_bytes_ = 0;
  }
  if (current_) return true;
  sending_ = own_sender_ = false;
  changed_.notify_all();
  return false;
}

std::span<const std::byte> OutboxCore::rest() const noexcept {
  return std::as_bytes(std::span(*current_)).subspan(sent_bytes_);
}

/// @returns false if the rest of the current message needs a wait.
bool OutboxCore::send_without_waiting() noexcept {
  IoResult result{0, std::make_error_code(std::errc::io_error)};
  try {
    result = partial_.begin(rest());
  } catch (...) {  // a script's, which has the peer reset the connection
  }
  if (result.error == std::errc::timed_out) {
    sent_bytes_ += result.bytes;
    return false;
  }
  sent(result);
  return true;
}

void OutboxCore::send_waiting() noexcept {
  IoResult result{0, std::make_error_code(std::errc::io_error)};
  try {
    result = partial_.finish(rest());
  } catch (...) {  // as above
  }
  sent(result);
}

/// The current message is over.
void OutboxCore::sent(const IoResult& result) noexcept {
  if (result.error) {
    stream_.abort();
    const std::lock_guard lock(mutex_);
    stop_taking();
  } else {
    current_.reset();
  }
}

void OutboxCore::run_sender() noexcept {
  while (take_next()) send_waiting();
}

/// Hands the role over.
void OutboxCore::start_sender() noexcept {
  if (&stream_.clock() != &steady_clock()) return run_sender();  // a script's: its waits take no time
  try {
    // Held while the thread starts, so that the sender finds its own thread here when it gives the role up.
    const std::lock_guard lock(mutex_);
    own_sender_ = true;
    if (loop_ != nullptr) return loop_->start([self = shared_from_this()] { self->run_sender(); });
    if (thread_.joinable()) thread_.join();  // it has given up the role and is about to end
    thread_ = std::thread([this] { run_sender(); });
  } catch (const std::exception&) {
    sent({0, std::make_error_code(std::errc::resource_unavailable_try_again)});
    (void)take_next();
  }
}

bool OutboxCore::flush(Deadline deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [this] { return waiting_.empty() && !sending_; }) && !closed_;
}

Deadline OutboxCore::write_deadline() const noexcept { return Deadline::after(stream_.timeouts().write); }

void OutboxCore::close() noexcept {
  std::unique_lock lock(mutex_);
  stop_taking();
  to_end_ = false;
  if (own_sender_) {
    lock.unlock();
    stream_.abort();
    lock.lock();
  }
  (void)changed_.wait_for(lock, Deadline::never(), [this] { return !sending_ && ending_ == 0; });
  std::thread over = std::move(thread_);
  lock.unlock();
  if (over.joinable()) over.join();
}

bool OutboxCore::open() const noexcept {
  const std::lock_guard lock(mutex_);
  return !closed_;
}

std::size_t OutboxCore::waiting() const noexcept {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

std::uint64_t OutboxCore::dropped() const noexcept {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace socketserver::detail
