#include <socketserver/server/detail/base_server_impl.hpp>

#include <cxxabi.h>

#include <algorithm>
#include <new>
#include <socketserver/base/detail/type_name.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/server/detail/handler_scope.hpp>
#include <stdexcept>
#include <utility>

namespace socketserver {
namespace {

using detail::Connection;
using detail::FirstInput;
using detail::Outcome;

Outcome outcome_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const TimeoutError&) {
    return Outcome::timed_out;
  } catch (...) {
    return Outcome::failed;
  }
}

/// Whether a peer has connected and reset the connection without a byte, as a balancer's health check does: nothing was
/// asked, so nothing has failed.
bool was_a_probe(const Connection& connection, const std::exception_ptr& error) {
  if (connection.stream.bytes_in() > 0 || connection.stream.bytes_out() > 0) return false;
  try {
    std::rethrow_exception(error);
  } catch (const StreamError& network) {
    return network.code() == std::errc::connection_reset;
  } catch (...) {
    return false;
  }
}

/// A configuration from a file has been checked against its table; one that a program fills in has not.
ServerConfig checked(ServerConfig config) {
  const auto require = [](bool good, const char* what) {
    if (!good) throw std::invalid_argument(concat("ServerConfig: ", what));
  };
  require(config.concurrency.threads != 0U, "concurrency.threads is 0");
  require(config.concurrency.stack_size >= kLeastStackSize, "concurrency.stack_size is under 16384");
  require(config.limits.max_connections > 0, "limits.max_connections is 0");
  require(config.limits.max_line > 0, "limits.max_line is 0");
  require(config.limits.read_buffer > 0, "limits.read_buffer is 0");
  const TimeoutsConfig& t = config.timeouts;
  for (const auto& time : {t.idle, t.read, t.write, t.lifetime, t.drain, t.linger}) {
    const bool good = !time || (time->count() >= 0 && *time <= std::chrono::hours(24 * 365 * 100));
    require(good, "a timeout is negative or longer than a century");
  }
  return config;
}

bool is_out_of_descriptors(std::error_code error) {
  return error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system;
}

PolicyOptions policy_options(const ConcurrencyConfig& config, Logger& log) {
  return {.kind = config.policy,
          .threads = config.threads.value_or(default_threads(config.policy)),
          .queue = config.queue,
          .stack_size = config.stack_size,
          .log = &log};
}

}  // namespace

BaseServer::Impl::Impl(BaseServer& owner, ServerConfig given, std::string handler)
    : server(owner),
      handler_name(std::move(handler)),
      config(checked(std::move(given))),
      log(config.log),
      listener(detail::environment().listen(config.listen, config.socket)),
      trouble_(log),
      background_(detail::environment().background(config.limits.max_connections)),
      policy_(detail::environment().policy(policy_options(config.concurrency, log))),
      budgets_(config, *policy_, *background_) {}

bool BaseServer::Impl::full() const {
  return budgets_.connections_full(connections.active()) || budgets_.policy_full();
}

/// Whether no connection can be taken now: there is no room, or resources are short.
bool BaseServer::Impl::must_pause() {
  paused_ = true;  // said before looking, so that a connection that ends now wakes the loop
  const bool no_room = config.concurrency.overflow == Overflow::wait && full();
  if (no_room && !was_full_) ++waits_;
  was_full_ = no_room;
  paused_ = no_room || !trouble_.retry_at().expired();
  return paused_;
}

void BaseServer::Impl::serve() {
  // Under `inline` each is served before the next is taken.
  const int most = config.concurrency.policy == PolicyKind::inline_ ? 1 : kMostAtOnce;
  policy_->run_accept_loop([this, most] {
    while (!lifecycle.stopping()) turn(Deadline::never(), most);
  });
}

/// Waits for one event and deals with it. @param most  connections to take of those that wait. @returns whether one was
/// taken.
bool BaseServer::Impl::turn(Deadline deadline, int most) {
  // The hooks called here must not wait for the loop that calls them.
  const detail::HandlerScope scope(server);
  const bool pause = must_pause();
  const Deadline until = pause && !was_full_ ? std::min(deadline, trouble_.retry_at()) : deadline;
  const Acceptor::Event event = listener->wait(!pause, until);
  if (event == Acceptor::Event::woken) trouble_.retry_now();
  int taken = 0;
  while (event == Acceptor::Event::connection && taken < most && accept_one() == Taken::connection) {
    ++taken;
    if (lifecycle.stopping() || (config.concurrency.overflow == Overflow::wait && full())) break;
  }
  guarded("service_actions", [this] { server.service_actions(); });
  return taken > 0;
}

BaseServer::Impl::Taken BaseServer::Impl::accept_one() {
  detail::Arrival arrival = listener->accept();
  std::error_code error = arrival.error;
  if (error == std::errc::operation_would_block) return Taken::nothing;  // its peer has gone again
  if (!error) error = take(std::move(arrival));
  if (error) {
    accept_failed(error);
    return Taken::error;
  }
  trouble_.succeeded();
  return Taken::connection;
}

void BaseServer::Impl::accept_failed(std::error_code error) {
  ++accept_errors_;
  if (is_out_of_descriptors(error)) background_->shed(kMostAtOnce);
  trouble_.failed(error);
}

/// @returns the want of memory if there was none to count the connection with, which is closed then.
std::error_code BaseServer::Impl::take(detail::Arrival arrival) {
  try {
    // Under `wait` the loop takes none while there is no room; a first byte may have come since it looked.
    const bool waits = config.concurrency.overflow == Overflow::wait;
    const bool no_room = waits ? budgets_.connections_full(connections.active()) : full();
    Connection& connection = connections.add(std::move(arrival.stream), arrival.peer, server, config);
    no_room ? reject(connection) : dispatch(connection);
    return {};
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
}

void BaseServer::Impl::reject(Connection& connection) {
  guarded("rejecting", [&] {
    // What does not fit the empty send buffer is not worth a wait.
    connection.stream.settimeout(Duration::zero());
    (void)connection.stream.try_sendall(config.concurrency.reject_message);
    connection.stream.shutdown(ShutdownHow::write);
    close(connection);
    if (log.enabled(LogLevel::debug)) {
      log.debug(concat(connection.request.client_address().to_string(), " rejected: no room"));
    }
  });
  connections.end(connection, Outcome::rejected);
}

void BaseServer::Impl::dispatch(Connection& connection) {
  Outcome outcome = Outcome::rejected;
  submitted_ = false;
  try {
    if (log.enabled(LogLevel::debug)) log.debug(concat(connection.request.client_address().to_string(), " connected"));
    if (server.verify_request(connection.request)) {
      outcome = Outcome::served;
      server.process_request(connection.request);
    }
  } catch (...) {
    outcome = outcome_of(std::current_exception());
    if (submitted_) return log.error("process_request threw after handing its connection over");
    report(connection.request, std::current_exception());
  }
  if (!submitted_) end(connection, outcome);
}

void BaseServer::Impl::submit(Request& request) {
  submitted_ = true;
  try {
    if (!wait_for_input(*request.connection_)) start(*request.connection_);
  } catch (...) {
    submitted_ = false;
    throw;
  }
}

/// @returns false if the connection starts at once.
bool BaseServer::Impl::wait_for_input(Connection& connection) {
  if (!policy_->starts_on_input() || server.handler_speaks_first()) return false;
  return background_->await_input(connection.stream, connection.stream.deadline(config.timeouts.idle),
                                  [this, &connection](FirstInput found) { input_came(connection, found); });
}

/// The end of that wait, in the background.
void BaseServer::Impl::input_came(Connection& connection, FirstInput found) noexcept {
  const detail::HandlerScope scope(server);
  // A stop has ended the wait, or the peer has gone again, as a health check does: nothing was asked.
  if (found == FirstInput::none || found == FirstInput::gone) return end(connection, Outcome::served);
  if (found == FirstInput::arrived && config.concurrency.overflow == Overflow::reject && budgets_.policy_full()) {
    return reject(connection);
  }
  try {
    if (found == FirstInput::timed_out) throw TimeoutError(detail::kIdleTimeout);
    start(connection);
  } catch (...) {
    report(connection.request, std::current_exception());
    end(connection, outcome_of(std::current_exception()));
  }
}

void BaseServer::Impl::start(Connection& connection) {
  connection.submitted = true;
  budgets_.submitted();
  try {
    policy_->submit([this, &connection] { run(connection); },
                    [this, client = connection.request.client_address()] {
                      return concat(handler_name, " for ", client.to_string());
                    });
  } catch (...) {
    connection.submitted = false;
    budgets_.ended();
    throw;
  }
}

void BaseServer::Impl::run(Connection& connection) {
  const detail::HandlerScope scope(server);
  connection.running = true;
  Outcome outcome = Outcome::served;
  try {
    server.finish_request(connection.request);
  } catch (const abi::__forced_unwind&) {
    // pthread_exit or pthread_cancel: it has to pass, and to end here would end the process. Source: pthreads(7),
    // libstdc++.
    log.error(concat(connection.request.client_address().to_string(), ": the handler ended its thread"));
    end(connection, Outcome::failed);
    throw;
  } catch (...) {
    if (!was_a_probe(connection, std::current_exception())) {
      outcome = outcome_of(std::current_exception());
      report(connection.request, std::current_exception());
    }
  }
  end(connection, outcome);
}

void BaseServer::Impl::end(Connection& connection, Outcome outcome) {
  guarded(connection.request, [this](Request& request) { server.shutdown_request(request); });
  guarded(connection.request, [this](Request& request) { server.close_request(request); });
  if (log.enabled(LogLevel::debug)) {
    guarded("the end of a connection", [&] {
      const auto age = std::chrono::duration<double>(steady_clock().now() - connection.accepted_at);
      log.debug(concat(connection.request.client_address().to_string(), " ", to_string(outcome), " after ",
                       seconds_text(age.count()), ", ", connection.stream.bytes_in(), " bytes in, ",
                       connection.stream.bytes_out(), " bytes out"));
    });
  }
  if (connection.submitted) budgets_.ended();
  connections.end(connection, outcome);
  if (paused_) listener->wake();
}

void BaseServer::Impl::close(Connection& connection) {
  const bool complete = connection.stream.at_eof();
  const bool hold_fin = connection.stream.read_is_shut();
  // A hook that threw, or does without, must not keep the peer waiting while the connection lingers.
  if (!complete && !hold_fin) connection.stream.shutdown(ShutdownHow::write);
  FileDescriptor socket = connection.stream.release();
  if (!socket || connection.stream.send_failed()) return;  // reset: its peer does not read
  if (complete || !config.timeouts.linger) {
    if (config.timeouts.write) bound_unsent(socket.get(), *config.timeouts.write);
    return;
  }
  background_->linger(std::move(socket), *config.timeouts.linger, hold_fin);
}

void BaseServer::Impl::report(Request& request, const std::exception_ptr& error) noexcept {
  guarded("handle_error", [&] { server.handle_error(request, error); });
}

/// What is being handled, which may be the want of memory itself.
void BaseServer::Impl::log_exception(const char* where) noexcept {
  try {
    log.error(concat(where, ": ", detail::describe(std::current_exception())));
  } catch (const std::bad_alloc&) {
    log.error(where);
  }
}

void BaseServer::Impl::log_event(detail::LineBudget& budget, LogLevel level, const std::string& line) {
  if (!log.enabled(level)) return;
  const detail::LineBudget::Answer answer = budget.ask();
  if (!answer.write) return;
  log.write(level, answer.withheld == 0 ? line : concat(line, " (and ", answer.withheld, " more of this kind before)"));
}

void BaseServer::Impl::log_withheld() {
  const std::uint64_t network = budgets_.network_lines.take_withheld();
  const std::uint64_t errors = budgets_.error_lines.take_withheld();
  if (network + errors > 0) log.info(concat("not logged: ", network, " network events, ", errors, " errors"));
}

void BaseServer::Impl::reopen_log() noexcept {
  guarded("the log goes on where it was", [this] {
    log.reopen();
    log.info("the log file is open anew");
  });
}

void BaseServer::Impl::log_stats() noexcept {
  guarded("counters", [this] {
    log.info(concat("counted: ", to_string(stats())));
    log.info(concat("served now: ", active_connections()));
    log.info(concat("budgets: ", to_string(budgets_.look(connections.active()))));
  });
}

std::string BaseServer::Impl::active_connections() const {
  return concat(handler_name, " for ", connections.describe());
}

ServerStats BaseServer::Impl::stats() const {
  ServerStats stats = connections.stats();
  stats.queued = policy_->queued();
  stats.waits = waits_;
  stats.accept_errors = accept_errors_;
  stats.lingering = background_->lingering();
  stats.lingers_cut = background_->lingers_cut();
  return stats;
}

}  // namespace socketserver
