#include <socketserver/server/input_waits.hpp>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <iterator>
#include <thread>
#include <utility>

namespace socketserver::detail {

/// Shared by its two pending operations, the wait for input and the timer: the one that comes first ends it, and the
/// other is still called.
struct InputWaits::Wait {
  Wait(asio::io_context& loop, ServedStream& waited_for, Deadline until, InputAction action)
      : stream(waited_for), deadline(until), done(std::move(action)), socket(loop), timer(loop) {}

  ServedStream& stream;
  const Deadline deadline;
  InputAction done;
  asio::posix::stream_descriptor socket;
  asio::steady_timer timer;
  bool ended = false;
  std::list<WaitPtr>::iterator position;
};

InputWaits::~InputWaits() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

bool InputWaits::await(ServedStream& stream, Deadline deadline, InputAction done) {
  std::list<WaitPtr> made;
  made.push_back(std::make_shared<Wait>(loop_, stream, deadline, std::move(done)));
  {
    const std::lock_guard lock(mutex_);
    if (refusing_) return false;
    if (!thread_.joinable()) thread_ = std::thread([this] { loop_.run(); });
    ++count_;
  }
  try {
    asio::post(loop_, [this, made = std::move(made)]() mutable { begin(std::move(made)); });
  } catch (...) {  // `made` may be gone
    count_end();
    throw;
  }
  return true;
}

void InputWaits::end_all() noexcept {
  {
    const std::lock_guard lock(mutex_);
    refusing_ = true;
  }
  for (;;) {
    try {
      asio::post(loop_, [this] { end_those_that_wait(); });
      break;
    } catch (const std::exception&) {  // no memory: a stop has to have some
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  std::unique_lock lock(mutex_);
  none_left_.wait(lock, [this] { return count_ == 0; });
}

void InputWaits::allow() noexcept {
  const std::lock_guard lock(mutex_);
  refusing_ = false;
}

void InputWaits::begin(std::list<WaitPtr> made) noexcept {
  const WaitPtr wait = made.front();
  waiting_.splice(waiting_.end(), made);
  wait->position = std::prev(waiting_.end());
  const FirstInput found = wait->stream.first_input();  // usually it is there already
  bool refusing = false;
  {
    const std::lock_guard lock(mutex_);
    refusing = refusing_;
  }
  if (refusing || found != FirstInput::none) return end(wait, found);
  try {
    wait->socket.assign(wait->stream.native_handle());
    if (!wait->deadline.is_never()) {
      wait->timer.expires_at(wait->deadline.time());
      wait->timer.async_wait([this, wait](std::error_code) { end(wait, FirstInput::timed_out); });
    }
  } catch (const std::exception&) {  // no memory or epoll watches: its worker waits
    return end(wait, FirstInput::arrived);
  }
  look(wait);
}

void InputWaits::look(const WaitPtr& wait) noexcept {
  if (wait->ended) return;
  const FirstInput found = wait->stream.first_input();
  if (found != FirstInput::none) return end(wait, found);
  try {
    wait->socket.async_wait(asio::posix::stream_descriptor::wait_read, [this, wait](std::error_code) { look(wait); });
  } catch (const std::exception&) {
    end(wait, FirstInput::arrived);
  }
}

void InputWaits::end(const WaitPtr& wait, FirstInput found) noexcept {
  if (std::exchange(wait->ended, true)) return;
  waiting_.erase(wait->position);
  if (wait->socket.is_open()) {
    std::error_code ignored;
    wait->socket.native_non_blocking(false, ignored);  // which its waits have made it
    (void)wait->socket.release();
  }
  wait->timer.cancel();
  wait->done(found);
  count_end();
}

void InputWaits::end_those_that_wait() noexcept {
  while (!waiting_.empty()) {
    const WaitPtr wait = waiting_.front();
    end(wait, wait->stream.first_input());
  }
}

void InputWaits::count_end() noexcept {
  const std::lock_guard lock(mutex_);
  if (--count_ == 0) none_left_.notify_all();
}

}  // namespace socketserver::detail
