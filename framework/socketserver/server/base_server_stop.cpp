// The part of BaseServer::Impl that stops it.

#include <socketserver/server/detail/base_server_impl.hpp>

#include <algorithm>
#include <new>
#include <socketserver/base/text.hpp>
#include <socketserver/server/detail/handler_scope.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

namespace socketserver {

void BaseServer::Impl::begin() {
  if (!made_in.is_this()) {
    throw std::logic_error(
        "this server was made before a fork, and has no threads here: make it after fork or daemon(3)");
  }
  lifecycle.begin_serving();
  try {
    if (!listener->listening()) listener->reopen();
    const std::size_t most = budgets_.most_connections();
    if (config.concurrency.policy == PolicyKind::fiber && most < config.limits.max_connections) {
      log.warning(concat("at most ", most, " connections, not ", config.limits.max_connections,
                         ": on this kernel each fiber's stack takes two mappings, and vm.max_map_count bounds them"));
    }
    budgets_.set_room(listener->start(log, config, most));
  } catch (...) {
    lifecycle.finish_serving();
    throw;
  }
  if (lifecycle.take_remembered_stop()) server.request_stop();
}

void BaseServer::Impl::start_drain() {
  connections.start_drain();
  const Deadline deadline = Deadline::after(config.timeouts.drain);
  if (deadline.is_never()) return;
  guarded("the drain has no deadline", [&] { background_->set_alarm(deadline, [this] { force(); }); });
}

/// The rest of a stop, on the serving thread.
DrainReport BaseServer::Impl::drain() {
  lifecycle.wait_until_draining();
  guarded("stopping", [this] { log.info(concat("stopping: ", connections.active(), " connections to drain")); });
  background_->end_input_waits();
  {
    const detail::HandlerScope scope(server);
    guarded("accepting those that wait", [this] { accept_the_rest(); });
  }
  const std::size_t left = listener->listening() ? listener->waiting() : 0;
  if (left > 0) {
    guarded("a connection that waited was not accepted",
            [&] { log.warning(concat("drain deadline passed: ", left, " connections could not be accepted")); });
  }
  DrainReport report = finish();
  report.forced += left;
  guarded("log lines that were withheld", [this] { log_withheld(); });
  guarded("stopped",
          [&] { log.info(concat("stopped: ", report.drained, " connections drained, ", report.forced, " forced")); });
  lifecycle.finish_serving();
  return report;
}

/// Serves the connections that arrived before the stop and were not yet accepted. They are taken from the
/// kernel first, so that the listening socket can be closed and new clients are refused, and served as there is room.
void BaseServer::Impl::accept_the_rest() {
  listener->refuse_new();
  for (bool more = true; more && !drain_over_;) {
    std::vector<detail::Arrival> waiting;
    detail::Arrival next = listener->accept();
    for (; !next.error; next = listener->accept()) {
      try {
        waiting.push_back(std::move(next));
      } catch (const std::bad_alloc&) {
        next = {.error = std::make_error_code(std::errc::not_enough_memory)};
        break;
      }
    }
    more = next.error != std::errc::operation_would_block;
    if (!more) listener->close();
    for (detail::Arrival& arrival : waiting) {
      wait_for_room();
      if (const std::error_code error = take(std::move(arrival))) accept_failed(error);
    }
    if (!more) return;
    accept_failed(next.error);
    if (trouble_.lasts()) return leave_the_rest(next.error);
    paused_ = true;  // a connection that ends may be what is missing
    listener->wait(false, trouble_.retry_at());
  }
}

/// A stop must not wait for an accept that fails for good, as one that a security module forbids.
void BaseServer::Impl::leave_the_rest(std::error_code error) {
  log.warning(concat("accept keeps failing (", error.message(), "): ", listener->waiting(),
                     " connections that had arrived are closed unserved"));
  listener->close();
}

/// Under overflow `wait`, waits until a connection ends or the drain is over.
void BaseServer::Impl::wait_for_room() {
  while (!drain_over_ && must_pause() && was_full_) listener->wait(false, Deadline::never());
}

/// The drain deadline has passed. Runs in the background.
void BaseServer::Impl::force() {
  const std::size_t aborted = connections.abort_all();
  drain_over_ = true;
  listener->wake();
  if (aborted == 0) return;
  guarded("drain deadline passed", [&] {
    background_->set_alarm(Deadline::after(std::chrono::seconds(1)), [this] {
      const detail::HandlerScope scope(server);
      const std::size_t running = connections.active();
      if (running > 0) guarded("handle_drain_timeout", [&] { server.handle_drain_timeout(running); });
    });
    log.warning(concat("drain deadline passed: ", aborted, " connections shut down"));
  });
}

/// Waits for the handlers' end, and leaves everything as it was before the drain began.
DrainReport BaseServer::Impl::finish() {
  listener->close();
  background_->end_input_waits();
  policy_->join();
  background_->allow_input_waits();
  background_->cancel_alarm();
  guarded("the end of a drain", [this] { background_->finish_lingering(); });
  drain_over_ = paused_ = was_full_ = false;
  return connections.finish_drain();
}

}  // namespace socketserver
