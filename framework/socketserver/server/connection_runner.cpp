#include <socketserver/server/connection_runner.hpp>

#include <cxxabi.h>

#include <chrono>
#include <new>
#include <socketserver/base/errors.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/server/handler_scope.hpp>
#include <utility>

namespace socketserver::detail {
namespace {

Outcome outcome_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const TimeoutError&) {
    return Outcome::timed_out;
  } catch (...) {
    return Outcome::failed;
  }
}

/// Whether a peer has connected and reset the connection without a byte, as a balancer's health check does, or a proxy
/// has said that it is one: nothing was asked, so nothing has failed.
bool was_a_probe(const Connection& connection, const std::exception_ptr& error) {
  if (connection.request.proxy() != nullptr && connection.request.proxy()->local) return true;
  if (connection.transport.bytes_in() > 0 || connection.transport.bytes_out() > 0) return false;
  try {
    std::rethrow_exception(error);
  } catch (const StreamError& network) {
    return network.code() == std::errc::connection_reset;
  } catch (...) {
    return false;
  }
}

std::string client_of(const Connection& connection) { return connection.request.client_address().to_string(); }

}  // namespace

std::error_code ConnectionRunner::admit(AcceptedConnection arrival) {
  try {
    if (!setup_.may_connect(arrival)) return {};
    // Under `wait` the loop accepts none while there is no room; a first byte may have come since it looked.
    const bool waits = core_.config->concurrency.overflow == Overflow::wait;
    const bool no_room = waits ? core_.budgets.connections_full(core_.connections.active()) : core_.full();
    Connection& connection = add(std::move(arrival));
    no_room ? reject(connection) : dispatch(connection);
    return {};
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
}

Connection& ConnectionRunner::add(AcceptedConnection arrival) {
  try {
    Connection& connection =
        core_.connections.add(std::move(arrival.stream), arrival.peer, core_.server, core_.log, core_.config);
    connection.set_listener(arrival.listener);
    connection.entered = arrival.entered;
    return connection;
  } catch (const std::bad_alloc&) {
    setup_.left(arrival.entered, arrival.peer);
    throw;
  }
}

void ConnectionRunner::reject(Connection& connection) {
  core_.guarded("rejecting", [&] {
    // A TLS client would take plain text for a broken server, and a message in TLS costs a handshake.
    if (!connection.listener().tls) {
      // What does not fit the empty send buffer is not worth a wait.
      connection.transport.settimeout(Duration::zero());
      (void)connection.transport.try_sendall(connection.config->concurrency.reject_message);
    }
    connection.transport.shutdown(ShutdownHow::write);
    close(connection);
    if (core_.log.enabled(LogLevel::debug)) core_.log.debug(concat(client_of(connection), " rejected: no room"));
  });
  remove(connection, Outcome::rejected);
}

void ConnectionRunner::dispatch(Connection& connection) {
  Outcome outcome = Outcome::rejected;
  submitted_ = false;
  try {
    if (core_.log.enabled(LogLevel::debug)) core_.log.debug(concat(client_of(connection), " connected"));
    if (core_.hooks.verify_request(connection.request)) {
      outcome = Outcome::served;
      core_.hooks.process_request(connection.request);
    }
  } catch (...) {
    outcome = outcome_of(std::current_exception());
    if (submitted_)
      return core_.log_event(core_.budgets.error_lines, LogLevel::error,
                             "process_request threw after handing its connection over");
    core_.report(connection.request, std::current_exception());
  }
  if (!submitted_) end(connection, outcome);
}

void ConnectionRunner::submit(Connection& connection) {
  submitted_ = true;
  try {
    if (!wait_for_input(connection)) start(connection);
  } catch (...) {
    submitted_ = false;
    throw;
  }
}

/// @returns false if the connection starts at once.
bool ConnectionRunner::wait_for_input(Connection& connection) {
  const bool begins = !setup_.is_needed(connection) && core_.hooks.handler_speaks_first();
  if (!core_.policy->starts_on_input() || begins) return false;
  const TimeoutsConfig& timeouts = connection.config->timeouts;
  return core_.background->await_input(
      connection.transport,
      connection.transport.deadline(setup_.is_needed(connection) ? timeouts.handshake : timeouts.idle),
      [this, &connection](FirstInput found) { input_came(connection, found); });
}

/// The end of that wait, in the background.
void ConnectionRunner::input_came(Connection& connection, FirstInput found) noexcept {
  const HandlerScope scope(core_.server);
  // A stop has ended the wait, or the peer has gone again, as a health check does: nothing was asked.
  if (found == FirstInput::none || found == FirstInput::gone) return end(connection, Outcome::served);
  if (found == FirstInput::arrived) return start_when_room(connection);
  if (setup_.is_needed(connection)) {
    core_.guarded("a handshake that did not begin", [&] { (void)setup_.nothing_came(connection); });
  } else {
    core_.report(connection.request, std::make_exception_ptr(TimeoutError(kIdleTimeout)));
  }
  end(connection, Outcome::timed_out);
}

/// Starts a connection whose first byte is there, or has it wait for that, or rejects it.
void ConnectionRunner::start_when_room(Connection& connection) noexcept {
  const bool rejects = core_.config->concurrency.overflow == Overflow::reject;
  if (rejects && core_.budgets.policy_full()) return reject(connection);
  try {
    {
      // With the lock held, so that an end either leaves room that is seen here, or finds the connection there.
      const std::lock_guard lock(ready_mutex_);
      if (core_.budgets.policy_full()) return ready_.push_back(&connection);
    }
  } catch (const std::bad_alloc&) {  // it waits in the policy's queue instead
  }
  (void)start_or_end(connection);
}

/// @returns false if it could not be started, and has ended.
bool ConnectionRunner::start_or_end(Connection& connection) noexcept {
  try {
    start(connection);
    return true;
  } catch (...) {
    core_.report(connection.request, std::current_exception());
    end(connection, outcome_of(std::current_exception()));
    return false;
  }
}

/// Starts one that is ready, if there is room.
void ConnectionRunner::start_next() noexcept {
  for (;;) {
    Connection* next = nullptr;
    {
      const std::lock_guard lock(ready_mutex_);
      if (ready_.empty() || core_.budgets.policy_full()) return;
      next = ready_.front();
      ready_.pop_front();
    }
    if (start_or_end(*next)) return;
  }
}

void ConnectionRunner::start(Connection& connection) {
  connection.submitted = true;
  core_.budgets.submitted();
  try {
    core_.policy->submit([this, &connection] { run(connection); },
                         [this, client = connection.request.client_address()] {
                           return concat(core_.handler_name, " for ", client.to_string());
                         });
  } catch (...) {
    connection.submitted = false;
    core_.budgets.ended();
    throw;
  }
}

void ConnectionRunner::run(Connection& connection) {
  const HandlerScope scope(core_.server);
  connection.running = true;
  Outcome outcome = Outcome::served;
  try {
    outcome = serve(connection);
  } catch (const abi::__forced_unwind&) {
    // pthread_exit or pthread_cancel: it has to pass, and to end here would end the process. Source: pthreads(7),
    // libstdc++.
    core_.log_event(core_.budgets.error_lines, LogLevel::error,
                    concat(client_of(connection), ": the handler ended its thread"));
    end(connection, Outcome::failed);
    throw;
  } catch (...) {
    if (!was_a_probe(connection, std::current_exception())) {
      outcome = outcome_of(std::current_exception());
      core_.report(connection.request, std::current_exception());
    }
  }
  end(connection, outcome);
}

Outcome ConnectionRunner::serve(Connection& connection) {
  if (const auto outcome = setup_.prepare(connection)) return *outcome;
  core_.hooks.finish_request(connection.request);
  return Outcome::served;
}

void ConnectionRunner::end(Connection& connection, Outcome outcome) {
  core_.guarded(connection.request, [this](Request& request) { core_.hooks.shutdown_request(request); });
  core_.guarded(connection.request, [this](Request& request) { core_.hooks.close_request(request); });
  if (core_.log.enabled(LogLevel::debug)) {
    core_.guarded("the end of a connection", [&] {
      const auto age = std::chrono::duration<double>(steady_clock().now() - connection.accepted_at);
      core_.log.debug(concat(client_of(connection), " ", to_string(outcome), " after ", seconds_text(age.count()), ", ",
                             connection.transport.bytes_in(), " bytes in, ", connection.transport.bytes_out(),
                             " bytes out"));
    });
  }
  const bool left_room = connection.submitted;
  if (left_room) core_.budgets.ended();
  remove(connection, outcome);
  if (left_room) start_next();
  on_end_();
}

void ConnectionRunner::remove(Connection& connection, Outcome outcome) {
  setup_.left(connection.entered, connection.request.client_address());
  core_.connections.end(connection, outcome);
}

void ConnectionRunner::close(Connection& connection) {
  const bool complete = connection.transport.at_eof();
  const bool hold_fin = connection.transport.read_is_shut();
  connection.end_session();
  // A hook that threw, or does without, must not keep the peer waiting while the connection lingers.
  if (!complete && !hold_fin) connection.transport.shutdown(ShutdownHow::write);
  const bool send_failed = connection.stream().send_failed();
  for (auto layer = connection.layers.rbegin(); layer != connection.layers.rend(); ++layer) (*layer)->end_sends();
  FileDescriptor socket = connection.transport.release();
  if (!socket) return;
  if (send_failed) return reset_on_close(socket.get());  // its peer does not read
  if (complete || !connection.config->timeouts.linger) {
    if (connection.config->timeouts.write) bound_unsent(socket.get(), *connection.config->timeouts.write);
    return;
  }
  core_.background->linger(std::move(socket), *connection.config->timeouts.linger, hold_fin);
}

}  // namespace socketserver::detail
