#include <socketserver/server/detail/lifecycle.hpp>
#include <stdexcept>
#include <utility>

namespace socketserver::detail {

void Lifecycle::begin_serving() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::serving || state_ == State::draining) {
    throw std::logic_error("serve_forever: the server is serving already");
  }
  state_ = State::serving;
}

bool Lifecycle::request_stop() noexcept {
  const std::lock_guard lock(mutex_);
  if (state_ == State::ready) stop_remembered_ = true;
  if (state_ != State::serving) return false;
  state_ = State::draining;
  return true;
}

bool Lifecycle::stopping() const noexcept {
  const std::lock_guard lock(mutex_);
  return state_ == State::draining || stop_remembered_;
}

bool Lifecycle::take_remembered_stop() noexcept {
  const std::lock_guard lock(mutex_);
  return std::exchange(stop_remembered_, false);
}

void Lifecycle::finish_serving() noexcept {
  const std::lock_guard lock(mutex_);
  state_ = State::stopped;
  stopped_.notify_all();
}

void Lifecycle::wait_until_stopped() {
  std::unique_lock lock(mutex_);
  stopped_.wait(lock, [this] { return state_ == State::ready || state_ == State::stopped; });
}

}  // namespace socketserver::detail
