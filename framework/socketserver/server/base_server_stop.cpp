// The part of BaseServer::Impl that stops it.

#include <socketserver/server/detail/base_server_impl.hpp>

#include <socketserver/base/text.hpp>
#include <socketserver/server/detail/handler_scope.hpp>
#include <utility>
#include <vector>

namespace socketserver {

void BaseServer::Impl::begin() {
  lifecycle.begin_serving();
  try {
    if (!acceptor.listening()) acceptor.reopen();
    log_start(log, config, acceptor);
  } catch (...) {
    lifecycle.finish_serving();
    throw;
  }
  if (lifecycle.take_remembered_stop()) server.request_stop();
}

void BaseServer::Impl::start_drain() {
  connections.start_drain();
  const Deadline deadline = Deadline::after(config.timeouts.drain);
  if (!deadline.is_never()) housekeeper_.set_alarm(deadline, [this] { force(); });
}

/// The rest of a stop, on the serving thread.
DrainReport BaseServer::Impl::drain() {
  lifecycle.wait_until_draining();
  log.info(concat("stopping: ", connections.active(), " connections to drain"));
  {
    const detail::HandlerScope scope(server);
    guarded("accepting those that wait", [this] { accept_the_rest(); });
  }
  const DrainReport report = finish();
  log.info(concat("stopped: ", report.drained, " connections drained, ", report.forced, " forced"));
  lifecycle.finish_serving();
  return report;
}

/// Serves the connections that arrived before the stop and were not yet accepted. They are taken from the
/// kernel first, so that the listening socket can be closed and new clients are refused, and served as there is room.
void BaseServer::Impl::accept_the_rest() {
  acceptor.refuse_new();
  for (bool more = true; more && !drain_over_;) {
    std::vector<Acceptor::Accepted> waiting;
    Acceptor::Accepted next = acceptor.accept();
    for (; !next.error; next = acceptor.accept()) waiting.push_back(std::move(next));
    more = next.error != std::errc::operation_would_block;
    if (!more) acceptor.close();
    for (Acceptor::Accepted& accepted : waiting) {
      wait_for_room();
      take(std::move(accepted));
    }
    if (!more) return;
    ++accept_errors_;
    trouble_.failed(next.error);
    acceptor.wait(false, trouble_.retry_at());
  }
}

/// Under overflow `wait`, waits until a connection ends or the drain is over.
void BaseServer::Impl::wait_for_room() {
  while (!drain_over_ && must_pause() && was_full_) acceptor.wait(false, Deadline::never());
}

/// The drain deadline has passed. Runs on the housekeeper's thread.
void BaseServer::Impl::force() {
  const std::size_t aborted = connections.abort_all();
  drain_over_ = true;
  acceptor.wake();
  if (aborted == 0) return;
  log.warning(concat("drain deadline passed: ", aborted, " connections shut down"));
  housekeeper_.set_alarm(Deadline::after(std::chrono::seconds(1)), [this] {
    const detail::HandlerScope scope(server);
    const std::size_t running = connections.active();
    if (running > 0) guarded("handle_drain_timeout", [&] { server.handle_drain_timeout(running); });
  });
}

/// Waits for the handlers' end, and leaves everything as it was before the drain began.
DrainReport BaseServer::Impl::finish() {
  acceptor.close();
  policy_->join();
  housekeeper_.cancel_alarm();
  housekeeper_.finish_lingering();
  drain_over_ = paused_ = was_full_ = false;
  return connections.finish_drain();
}

}  // namespace socketserver
