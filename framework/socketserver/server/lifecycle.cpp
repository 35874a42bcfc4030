#include <socketserver/server/lifecycle.hpp>

#include <stdexcept>
#include <utility>

namespace socketserver::detail {

void Lifecycle::begin_serving() {
  const std::lock_guard lock(mutex_);
  if (running()) throw std::logic_error("serve_forever: the server is serving already");
  state_ = State::serving;
  ++run_;
}

bool Lifecycle::request_stop() noexcept {
  const std::lock_guard lock(mutex_);
  ++stop_requests_;
  if (state_ == State::ready) stop_remembered_ = true;
  if (state_ != State::serving) return false;
  state_ = State::stopping;
  return true;
}

void Lifecycle::drain_started() noexcept {
  const std::lock_guard lock(mutex_);
  state_ = State::draining;
  changed_.notify_all();
}

bool Lifecycle::stopping() const noexcept {
  const std::lock_guard lock(mutex_);
  return state_ == State::stopping || state_ == State::draining;
}

bool Lifecycle::consume_pending_stop() noexcept {
  const std::lock_guard lock(mutex_);
  return std::exchange(stop_remembered_, false);
}

std::uint64_t Lifecycle::stop_requests() const noexcept {
  const std::lock_guard lock(mutex_);
  return stop_requests_;
}

void Lifecycle::wait_until_draining() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, Deadline::never(), [this] { return state_ == State::draining; });
}

void Lifecycle::finish_serving() noexcept {
  const std::lock_guard lock(mutex_);
  state_ = State::stopped;
  changed_.notify_all();
}

void Lifecycle::wait_until_stopped() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, Deadline::never(), [this, run = run_] { return !running() || run_ != run; });
}

}  // namespace socketserver::detail
