#include <socketserver/server/accept_loop.hpp>

#include <algorithm>
#include <new>
#include <socketserver/base/text.hpp>
#include <socketserver/server/handler_scope.hpp>
#include <utility>
#include <vector>

namespace socketserver::detail {
namespace {

bool is_out_of_descriptors(std::error_code error) {
  return error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system;
}

}  // namespace

void AcceptLoop::serve() {
  core_.policy->run_accept_loop([this, max = core_.policy->max_accepts_per_turn()] {
    while (!core_.lifecycle.stopping()) poll_once(Deadline::never(), max);
  });
}

bool AcceptLoop::poll_once(Deadline deadline, std::size_t max) {
  // The hooks called here must not wait for the loop that calls them.
  const HandlerScope scope(core_.server);
  const Pause pause = look_for_room();
  const ListenerSet::Event event = core_.listener->wait(!pause.paused, std::min(deadline, pause.until));
  if (event == ListenerSet::Event::woken) backoff_.retry_now();
  std::size_t accepted = 0;
  while (event == ListenerSet::Event::connection && accepted < max && accept_one() == Accepted::connection) {
    ++accepted;
    if (core_.lifecycle.stopping() || (core_.config->concurrency.overflow == Overflow::wait && core_.full())) break;
  }
  core_.guarded("service_actions", [this] { core_.hooks.service_actions(); });
  return accepted > 0;
}

AcceptLoop::Accepted AcceptLoop::accept_one() {
  AcceptedConnection arrival = core_.listener->accept();
  std::error_code error = arrival.error;
  if (error == std::errc::operation_would_block) return Accepted::nothing;  // its peer has gone again
  if (!error) error = runner_.admit(std::move(arrival));
  if (error) {
    failed(error);
    return Accepted::error;
  }
  backoff_.succeeded();
  return Accepted::connection;
}

void AcceptLoop::failed(std::error_code error) {
  ++errors_;
  if (is_out_of_descriptors(error)) core_.background->shed(core_.policy->max_accepts_per_turn());
  backoff_.failed(error);
}

AcceptLoop::Pause AcceptLoop::look_for_room() {
  accepting_paused_ = true;  // stored before looking, so that a connection that ends now wakes the loop
  const bool full = core_.config->concurrency.overflow == Overflow::wait && core_.full();
  if (full && !was_full_) ++waits_;
  was_full_ = full;
  const bool retry_later = !backoff_.retry_at().expired();
  accepting_paused_ = full || retry_later;
  return {full || retry_later, full, retry_later && !full ? backoff_.retry_at() : Deadline::never()};
}

void AcceptLoop::connection_ended() noexcept {
  if (accepting_paused_) core_.listener->wake();
}

/// They are taken from the kernel first, so that the listening socket can be closed and new clients are refused, and
/// served as there is room.
void AcceptLoop::accept_rest(const std::atomic<bool>& over) {
  core_.listener->refuse_new();
  for (bool more = true; more && !over;) {
    std::vector<AcceptedConnection> waiting;
    AcceptedConnection next = core_.listener->accept();
    for (; !next.error; next = core_.listener->accept()) {
      try {
        waiting.push_back(std::move(next));
      } catch (const std::bad_alloc&) {
        next = {.error = std::make_error_code(std::errc::not_enough_memory)};
        break;
      }
    }
    more = next.error != std::errc::operation_would_block;
    if (!more) core_.listener->close();
    for (AcceptedConnection& arrival : waiting) {
      wait_for_room(over);
      if (const std::error_code error = runner_.admit(std::move(arrival))) failed(error);
    }
    if (!more) return;
    failed(next.error);
    if (backoff_.lasts()) return leave_rest(next.error);
    accepting_paused_ = true;  // a connection that ends may be what is missing
    core_.listener->wait(false, backoff_.retry_at());
  }
}

/// Under overflow `wait`, waits until a connection ends or the drain is over.
void AcceptLoop::wait_for_room(const std::atomic<bool>& over) {
  while (!over && look_for_room().full) core_.listener->wait(false, Deadline::never());
}

/// A stop must not wait for an accept that fails for good, as one that a security module forbids.
void AcceptLoop::leave_rest(std::error_code error) {
  core_.log.warning(concat("accept keeps failing (", error.message(), "): ", core_.listener->waiting(),
                           " connections that had arrived are closed unserved"));
  core_.listener->close();
}

}  // namespace socketserver::detail
