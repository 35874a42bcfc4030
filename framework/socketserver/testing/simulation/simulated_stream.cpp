#include <algorithm>
#include <cstring>
#include <socketserver/base/text.hpp>
#include <socketserver/testing/simulation/simulated_network.hpp>
#include <socketserver/wait/execution.hpp>
#include <utility>

namespace socketserver::testing::detail {
namespace {

using socketserver::detail::FirstInput;

std::error_code code(std::errc error) { return std::make_error_code(error); }

/// Yields at random, as a kernel may between two calls; always after a failed call, so that a handler that loops is
/// noticed.
/// Not under NotSuspended.
void let_others_run(bool done) {
  socketserver::detail::Fiber* const fiber = socketserver::detail::current_fiber();
  if (fiber == nullptr) return;
  if (done) {
    fiber->count_ready_operation(0);
  } else {
    fiber->yield();
  }
}

}  // namespace

void Trace::add(std::size_t who, std::string_view what) {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(clock_.now().time_since_epoch()).count();
  const std::string name = who == 0 ? std::string("server") : concat("client ", who);
  text_ += concat(now, " us ", name, ": ", what, "\n");
}

void Link::arrive(std::string_view bytes) {
  const TimePoint now = steady_clock().now();
  if (now > last_arrival) arrived_before = arrived;
  last_arrival = now;
  to_server += bytes;
  arrived += bytes.size();
}

void Link::end_reading() {
  if (served) return;
  served = arrived;
  served_at_least = last_arrival == steady_clock().now() ? arrived_before : arrived;
}

SimulatedStream::SimulatedStream(std::shared_ptr<Link> link, Dice& dice, Trace& trace)
    : link_(std::move(link)), dice_(dice), trace_(trace) {}

SimulatedStream::~SimulatedStream() { close(); }

IoResult SimulatedStream::read_some(std::span<std::byte> into, Deadline deadline, Wait wait) {
  std::unique_lock lock(link_->mutex);
  begin_read(wait);
  for (;;) {
    const auto result = read_now(into, wait);
    if (!result && !deadline.expired()) {
      (void)link_->changed.wait(lock, deadline);
      continue;
    }
    const bool over = !result || result->bytes == 0;
    if (over && !into.empty()) link_->end_reading();
    link_->timed_out = !result;
    lock.unlock();
    let_others_run(!over);
    return result.value_or(IoResult{0, code(std::errc::timed_out)});
  }
}

/// A wait for a message restarts its clock only if something was received or sent since: a repeated wait for the same
/// message keeps it.
void SimulatedStream::begin_read(Wait wait) {
  const TimePoint now = steady_clock().now();
  if (!link_->begun_at) link_->begun_at = now;
  if (wait == Wait::message) {
    link_->more_since.reset();
  } else if (!link_->more_since) {
    link_->more_since = now;
  }
  const std::uint64_t progress = link_->read + link_->answers.size();
  if (wait != Wait::message || (link_->idle_since && progress == link_->idle_at_progress)) return;
  link_->idle_since = now;
  link_->idle_at_progress = progress;
}

FirstInput SimulatedStream::first_input() const noexcept {
  if (link_->end == LinkEnd::reset) return FirstInput::gone;
  return link_->to_server.empty() && !link_->client_eof ? FirstInput::none : FirstInput::arrived;
}

FirstInput SimulatedStream::await_input(Deadline deadline, const bool& ended) {
  std::unique_lock lock(link_->mutex);
  begin_read(Wait::message);
  for (;;) {
    const FirstInput found = first_input();
    if (found != FirstInput::none) return found;
    link_->timed_out = deadline.expired();
    if (link_->timed_out || ended) {
      link_->end_reading();
      return link_->timed_out ? FirstInput::timed_out : FirstInput::none;
    }
    (void)link_->changed.wait(lock, deadline);
  }
}

void SimulatedStream::wake_waits() noexcept {
  const std::lock_guard lock(link_->mutex);
  link_->changed.notify_all();
}

/// @returns nullopt where a read has to wait.
std::optional<IoResult> SimulatedStream::read_now(std::span<std::byte> into, Wait wait) {
  if (aborted_) return IoResult{0, code(std::errc::connection_aborted)};
  if (link_->end == LinkEnd::reset) return IoResult{0, code(std::errc::connection_reset)};
  if (link_->end != LinkEnd::none) return IoResult{0, code(std::errc::bad_file_descriptor)};
  if (into.empty()) return IoResult{};
  if (!link_->to_server.empty()) {
    // What has arrived; sometimes less than was asked for although more is under way.
    const std::size_t there = std::min(into.size(), link_->to_server.size());
    const std::size_t count = dice_.one_in(4) ? static_cast<std::size_t>(dice_.between(1, there)) : there;
    std::memcpy(into.data(), link_->to_server.data(), count);
    link_->to_server.erase(0, count);
    link_->read += count;
    link_->served.reset();  // reading continues, e.g. after a timeout
    return IoResult{count, {}};
  }
  at_eof_ = link_->client_eof;
  if (at_eof_ || read_shut_ || (draining_ && wait == Wait::message)) return IoResult{};
  return std::nullopt;
}

IoResult SimulatedStream::write_some(std::span<const std::byte> bytes, Deadline deadline) {
  std::unique_lock lock(link_->mutex);
  const bool waits = deadline != Deadline::at_once();  // asked without a wait first, see Stream::sendall
  auto result = write_now(bytes);
  while (!result && !deadline.expired()) {
    (void)link_->changed.wait(lock, deadline);
    result = write_now(bytes);
  }
  const TimePoint now = steady_clock().now();
  if (waits && link_->write_waits_since) link_->write_waits.push_back({*link_->write_waits_since, now, !result});
  if (!waits && !result) link_->write_waits_since = now;
  if (waits && !result) link_->failed_write = true;
  link_->timed_out = waits && !result;
  lock.unlock();
  let_others_run(result && !result->error);
  return result.value_or(IoResult{0, code(std::errc::timed_out), IoOperation::send});
}

/// @returns nullopt where a write has to wait.
std::optional<IoResult> SimulatedStream::write_now(std::span<const std::byte> bytes) {
  if (link_->end == LinkEnd::reset) return IoResult{0, code(std::errc::connection_reset), IoOperation::send};
  if (aborted_ || link_->server_eof) return IoResult{0, code(std::errc::broken_pipe), IoOperation::send};
  const std::size_t room = link_->capacity - std::min(link_->capacity, link_->to_client.size());
  if (room == 0 || bytes.empty()) return std::nullopt;
  const std::size_t most = std::min(room, bytes.size());
  const std::size_t count = dice_.one_in(4) ? static_cast<std::size_t>(dice_.between(1, most)) : most;
  link_->to_client.append(reinterpret_cast<const char*>(bytes.data()), count);
  link_->answers.append(reinterpret_cast<const char*>(bytes.data()), count);
  link_->changed.notify_all();
  return IoResult{count, {}, IoOperation::send};
}

void SimulatedStream::shutdown(ShutdownHow how) noexcept {
  const std::lock_guard lock(link_->mutex);
  if (how != ShutdownHow::write) read_shut_ = true;
  if (how != ShutdownHow::read) link_->server_eof = true;
  link_->changed.notify_all();
}

void SimulatedStream::drain() noexcept {
  const std::lock_guard lock(link_->mutex);
  draining_ = true;
  link_->changed.notify_all();
}

void SimulatedStream::abort() noexcept {
  {
    const std::lock_guard lock(link_->mutex);
    if (link_->end == LinkEnd::none) trace_.add(0, concat("aborts client ", link_->client));
    aborted_ = true;
  }
  shutdown(ShutdownHow::both);
}

FileDescriptor SimulatedStream::release() noexcept {
  end_sends();
  const std::lock_guard lock(link_->mutex);
  if (std::exchange(link_->server_eof, true) && link_->ended_at) return {};
  if (!link_->ended_at) {
    link_->ended_at = steady_clock().now();
    link_->end_reading();
    if (link_->end == LinkEnd::none) link_->end = aborted_ ? LinkEnd::aborted : LinkEnd::closed;
    trace_.add(0, concat("closes client ", link_->client));
  }
  link_->changed.notify_all();
  return {};
}

}  // namespace socketserver::testing::detail
