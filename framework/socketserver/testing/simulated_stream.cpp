#include <algorithm>
#include <cstring>
#include <socketserver/base/text.hpp>
#include <socketserver/testing/detail/simulated_network.hpp>
#include <utility>

namespace socketserver::testing::detail {
namespace {

std::error_code code(std::errc error) { return std::make_error_code(error); }

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
  if (!link_->begun_at) link_->begun_at = steady_clock().now();
  for (;;) {
    const auto result = read_now(into, wait);
    if (!result && !deadline.expired()) {
      (void)link_->changed.wait(lock, deadline);
      continue;
    }
    const bool over = !result || result->bytes == 0;
    if (over && !into.empty()) link_->end_reading();
    return result.value_or(IoResult{0, code(std::errc::timed_out)});
  }
}

/// @returns nullopt where a read has to wait.
std::optional<IoResult> SimulatedStream::read_now(std::span<std::byte> into, Wait wait) {
  if (aborted_) return IoResult{0, code(std::errc::connection_aborted)};
  if (link_->end == LinkEnd::reset) return IoResult{0, code(std::errc::connection_reset)};
  if (link_->end != LinkEnd::none) return IoResult{0, code(std::errc::bad_file_descriptor)};
  if (into.empty()) return IoResult{};
  if (!link_->to_server.empty()) {
    // Whatever the kernel has at the moment; sometimes less than was asked for although more is on its way.
    const std::size_t there = std::min(into.size(), link_->to_server.size());
    const std::size_t count = dice_.one_in(4) ? static_cast<std::size_t>(dice_.between(1, there)) : there;
    std::memcpy(into.data(), link_->to_server.data(), count);
    link_->to_server.erase(0, count);
    link_->read += count;
    return IoResult{count, {}};
  }
  at_eof_ = link_->client_eof;
  if (at_eof_ || read_shut_ || (draining_ && wait == Wait::message)) return IoResult{};
  return std::nullopt;
}

IoResult SimulatedStream::write_some(std::span<const std::byte> bytes, Deadline deadline) {
  std::unique_lock lock(link_->mutex);
  for (;;) {
    if (link_->end == LinkEnd::reset) return {0, code(std::errc::connection_reset), "sendall"};
    if (aborted_ || link_->server_eof) return {0, code(std::errc::broken_pipe), "sendall"};
    const std::size_t room = link_->capacity - std::min(link_->capacity, link_->to_client.size());
    if (room > 0 && !bytes.empty()) {
      const std::size_t most = std::min(room, bytes.size());
      const std::size_t count = dice_.one_in(4) ? static_cast<std::size_t>(dice_.between(1, most)) : most;
      link_->to_client.append(reinterpret_cast<const char*>(bytes.data()), count);
      link_->sent_at = steady_clock().now();
      link_->answers.append(reinterpret_cast<const char*>(bytes.data()), count);
      link_->changed.notify_all();
      return {count, {}, "sendall"};
    }
    if (deadline.expired()) {
      // Asked without a wait first, see Stream::sendall; only a real deadline loses something.
      if (deadline != Deadline::at_once()) link_->failed_write = true;
      return {0, code(std::errc::timed_out), "sendall"};
    }
    (void)link_->changed.wait(lock, deadline);
  }
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
