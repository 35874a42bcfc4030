#include <algorithm>
#include <socketserver/base/text.hpp>
#include <socketserver/server/detail/base_server_impl.hpp>
#include <utility>
#include <vector>

namespace socketserver {
namespace {

using detail::Connection;
using detail::Outcome;

/// The servers whose handlers run on this thread, so that a handler's shutdown() does not wait for itself. A
/// list and not a flag: fibers on one thread enter and leave in any order. Fibers never change threads, so it
/// stays true.
thread_local std::vector<const BaseServer*> serving_here;

class HandlerScope {
 public:
  explicit HandlerScope(const BaseServer& server) : server_(server) { serving_here.push_back(&server); }
  HandlerScope(const HandlerScope&) = delete;
  HandlerScope& operator=(const HandlerScope&) = delete;
  ~HandlerScope() { serving_here.erase(std::find(serving_here.begin(), serving_here.end(), &server_)); }

 private:
  const BaseServer& server_;
};

Outcome outcome_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const TimeoutError&) {
    return Outcome::timed_out;
  } catch (...) {
    return Outcome::failed;
  }
}

PolicyOptions policy_options(const ConcurrencyConfig& config) {
  return {.kind = config.policy, .threads = config.threads, .queue = config.queue};
}

}  // namespace

BaseServer::Impl::Impl(BaseServer& owner, ServerConfig given)
    : server(owner),
      config(std::move(given)),
      log(config.log),
      acceptor(config.listen, config.socket),
      housekeeper(config.limits.max_connections),
      policy(make_policy(policy_options(config.concurrency))),
      capacity_(std::min(config.limits.max_connections, policy->capacity())),
      trouble_(log) {}

bool BaseServer::Impl::full() const { return connections.active() >= capacity_; }

/// Whether no connection can be taken now: there is no room, or resources are short.
bool BaseServer::Impl::must_pause() {
  paused_ = true;  // said before looking, so that a connection that ends now wakes the loop
  const bool no_room = config.concurrency.overflow == Overflow::wait && full();
  if (no_room && !was_full_) ++waits_;
  was_full_ = no_room;
  paused_ = no_room || !trouble_.retry_at().expired();
  return paused_;
}

/// Waits for one event and deals with it. @returns whether it was a connection that could be taken.
bool BaseServer::Impl::turn(Deadline deadline) {
  const bool pause = must_pause();
  const Deadline until = pause && !was_full_ ? std::min(deadline, trouble_.retry_at()) : deadline;
  const Acceptor::Event event = acceptor.wait(!pause, until);
  if (event == Acceptor::Event::woken) trouble_.retry_now();
  const bool taken = event == Acceptor::Event::connection && accept_one() == Taken::connection;
  try {
    server.service_actions();
  } catch (const std::exception& error) {
    log.error(concat("service_actions: ", error.what()));
  } catch (...) {
    log.error("service_actions: an exception of no standard type");
  }
  return taken;
}

BaseServer::Impl::Taken BaseServer::Impl::accept_one() {
  Acceptor::Accepted accepted = acceptor.accept();
  if (accepted.error == std::errc::operation_would_block) return Taken::nothing;  // its peer has gone again
  if (accepted.error) {
    ++accept_errors_;
    trouble_.failed(accepted.error);
    return Taken::error;
  }
  trouble_.succeeded();
  if (full()) {
    reject(std::move(accepted));
  } else {
    dispatch(std::move(accepted));
  }
  return Taken::connection;
}

void BaseServer::Impl::reject(Acceptor::Accepted accepted) {
  Connection& connection = connections.add(std::move(accepted.socket), accepted.peer, server, config);
  connection.stream.settimeout(
      Duration::zero());  // what does not fit the empty send buffer is not worth a wait
  (void)connection.stream.try_sendall(config.concurrency.reject_message);
  connection.stream.shutdown(ShutdownHow::write);
  close(connection);
  log.debug(concat(accepted.peer.to_string(), " rejected: no room"));
  connections.end(connection, Outcome::rejected);
}

void BaseServer::Impl::dispatch(Acceptor::Accepted accepted) {
  Connection& connection = connections.add(std::move(accepted.socket), accepted.peer, server, config);
  if (log.enabled(LogLevel::debug)) log.debug(concat(accepted.peer.to_string(), " connected"));
  Outcome outcome = Outcome::rejected;
  submitted_ = false;
  try {
    if (server.verify_request(connection.request)) {
      outcome = Outcome::served;
      server.process_request(connection.request);
    }
  } catch (...) {
    outcome = Outcome::failed;
    if (submitted_) return log.error("process_request threw after handing its connection over");
    report(connection.request, std::current_exception());
  }
  if (!submitted_) end(connection, outcome);
}

void BaseServer::Impl::submit(Request& request) {
  submitted_ = true;
  try {
    policy->submit([this, connection = request.connection_] { run(*connection); });
  } catch (...) {
    submitted_ = false;
    throw;
  }
}

void BaseServer::Impl::run(Connection& connection) {
  const HandlerScope scope(server);
  Outcome outcome = Outcome::served;
  try {
    server.finish_request(connection.request);
  } catch (...) {
    outcome = outcome_of(std::current_exception());
    report(connection.request, std::current_exception());
  }
  end(connection, outcome);
}

void BaseServer::Impl::end(Connection& connection, Outcome outcome) {
  guarded(connection.request, [this](Request& request) { server.shutdown_request(request); });
  guarded(connection.request, [this](Request& request) { server.close_request(request); });
  if (log.enabled(LogLevel::debug)) {
    const auto age = std::chrono::duration<double>(steady_clock().now() - connection.accepted_at);
    log.debug(concat(connection.request.client_address().to_string(), " ", to_string(outcome), " after ",
                     seconds_text(age.count()), ", ", connection.stream.bytes_in(), " bytes in, ",
                     connection.stream.bytes_out(), " bytes out"));
  }
  connections.end(connection, outcome);
  if (paused_) acceptor.wake();
}

void BaseServer::Impl::close(Connection& connection) {
  const bool complete = connection.stream.at_eof();
  FileDescriptor socket = connection.stream.release();
  if (socket && !complete && config.timeouts.linger)
    housekeeper.linger(std::move(socket), *config.timeouts.linger);
}

template <typename Hook>
void BaseServer::Impl::guarded(Request& request, Hook hook) noexcept {
  try {
    hook(request);
  } catch (...) {
    report(request, std::current_exception());
  }
}

void BaseServer::Impl::report(Request& request, const std::exception_ptr& error) noexcept {
  try {
    server.handle_error(request, error);
  } catch (const std::exception& second) {
    log.error(concat("handle_error: ", second.what()));
  } catch (...) {
    log.error("handle_error: an exception of no standard type");
  }
}

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

void BaseServer::Impl::start_drain() noexcept {
  log.info(concat("stopping: ", connections.active(), " connections to drain"));
  connections.start_drain();
  const Deadline deadline = Deadline::after(config.timeouts.drain);
  if (!deadline.is_never()) housekeeper.set_alarm(deadline, [this] { force(); });
  acceptor.wake();
}

DrainReport BaseServer::Impl::drain() {
  try {
    accept_the_rest();
  } catch (const std::system_error& error) {
    log.error(concat("cannot accept those that wait: ", error.what()));
  }
  acceptor.close();
  join();
  const std::size_t all = connections.finish_drain();
  const std::size_t forced = forced_.exchange(0);
  drain_over_ = false;
  log.info(concat("stopped: ", all - forced, " connections drained, ", forced, " forced"));
  lifecycle.finish_serving();
  return {.drained = all - forced, .forced = forced};
}

/// Serves the connections that arrived before the stop and were not yet accepted.
void BaseServer::Impl::accept_the_rest() {
  acceptor.refuse_new();
  while (!drain_over_) {
    if (must_pause()) {
      acceptor.wait(false, was_full_ ? Deadline::never() : trouble_.retry_at());
    } else if (accept_one() == Taken::nothing) {
      return;
    }
  }
}

/// The drain deadline has passed. Runs on the housekeeper's thread.
void BaseServer::Impl::force() {
  forced_ = connections.abort_all();
  drain_over_ = true;
  acceptor.wake();
  if (forced_ == 0) return;
  log.warning(concat("drain deadline passed: ", forced_.load(), " connections shut down"));
  housekeeper.set_alarm(Deadline::after(std::chrono::seconds(1)), [this] {
    if (const std::size_t running = connections.active(); running > 0) server.handle_drain_timeout(running);
  });
}

void BaseServer::Impl::join() {
  policy->join();
  housekeeper.cancel_alarm();
  housekeeper.finish_lingering();
}

bool BaseServer::Impl::in_handler() const noexcept {
  return std::find(serving_here.begin(), serving_here.end(), &server) != serving_here.end();
}

ServerStats BaseServer::Impl::stats() const {
  ServerStats stats = connections.stats();
  stats.queued = policy->queued();
  stats.waits = waits_;
  stats.accept_errors = accept_errors_;
  return stats;
}

}  // namespace socketserver
