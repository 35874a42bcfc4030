#include <socketserver/server/base_server.hpp>

#include <memory>
#include <socketserver/base/text.hpp>
#include <socketserver/base/type_name.hpp>
#include <socketserver/server/base_server_impl.hpp>
#include <socketserver/server/handler_scope.hpp>
#include <socketserver/server/signal_watcher.hpp>
#include <stdexcept>
#include <typeinfo>
#include <utility>

namespace socketserver {

BaseServer::BaseServer(ServerConfig config, const std::type_info* handler)
    : impl_(std::make_unique<Impl>(*this, std::move(config),
                                   handler != nullptr ? detail::type_name(*handler) : "handler")) {}
BaseServer::~BaseServer() {
  if (impl_->made_in.is_this()) return;
  // In a child of fork(2) or daemon(3) its threads, and what holds its locks, are the parent's: nothing can be ended,
  // or waited for, here; nor in the three calls below that stop it.
  (void)impl_.release();
}

void BaseServer::Impl::check_process() const {
  if (made_in.is_this()) return;
  throw std::logic_error(
      "this server was made before a fork, and has no threads here: make it after fork or daemon(3)");
}

void BaseServer::Impl::begin() {
  check_process();
  core.lifecycle.begin_serving();
  try {
    if (!core.listener->listening()) core.listener->reopen();
    const std::size_t most = core.budgets.most_connections();
    if (most < core.config->limits.max_connections && !core.policy->capacity_reason().empty()) {
      core.log.warning(concat("at most ", most, " connections, not ", core.config->limits.max_connections, ": ",
                              core.policy->capacity_reason()));
    }
    log_tls_warnings();
    core.budgets.set_room(core.listener->start(core.log, *core.config, core.policy->describe(), most));
  } catch (...) {
    core.lifecycle.finish_serving();
    throw;
  }
  if (core.lifecycle.consume_pending_stop()) server.request_stop();
}

void BaseServer::Impl::reopen_log() noexcept {
  core.guarded("cannot reopen the log file, still writing to the old one", [this] {
    core.log.reopen();
    core.log.info("log file reopened");
  });
}

void BaseServer::Impl::reload_certificates() noexcept {
  if (!core.tls.used()) return;
  core.guarded("cannot reload the TLS certificates, the old ones stay", [this] {
    core.tls.reload(*core.config);
    core.log.info("TLS certificates reloaded");
    log_tls_warnings();
  });
}

void BaseServer::Impl::log_tls_warnings() {
  for (const std::string& warning : core.tls.warnings()) core.log.warning(concat("TLS: ", warning));
}

void BaseServer::Impl::log_stats() noexcept {
  core.guarded("counters", [this] {
    core.log.info(concat("counted: ", to_string(server.stats())));
    core.log.info(concat("served now: ", server.active_connections()));
    core.log.info(concat("budgets: ", to_string(server.budgets())));
  });
}

DrainReport BaseServer::serve_forever() {
  impl_->begin();
  try {
    impl_->accept_loop.serve();
  } catch (...) {
    request_stop();
    impl_->stop.run();
    throw;
  }
  return impl_->stop.run();
}

DrainReport BaseServer::serve_until_signal() {
  const detail::SignalWatcher watcher({.stop = [this] { request_stop(); },
                                       .reopen_log =
                                           [this] {
                                             impl_->reopen_log();
                                             impl_->reload_certificates();
                                           },
                                       .report = [this] { impl_->log_stats(); }});
  return serve_forever();
}

bool BaseServer::handle_request(Deadline deadline) {
  impl_->check_process();
  if (impl_->core.lifecycle.consume_pending_stop()) return false;
  const std::uint64_t stops = impl_->core.lifecycle.stop_requests();
  if (!impl_->core.listener->listening()) impl_->core.listener->reopen();
  while (impl_->core.lifecycle.stop_requests() == stops) {
    if (impl_->accept_loop.poll_once(deadline, 1)) return true;
    if (deadline.expired()) {
      handle_timeout();
      return false;
    }
  }
  (void)impl_->core.lifecycle.consume_pending_stop();  // it has had its effect
  return false;
}

void BaseServer::request_stop() noexcept {
  if (!impl_->made_in.is_this()) return;
  if (impl_->core.lifecycle.request_stop()) {
    impl_->stop.start();
    impl_->core.lifecycle.drain_started();
  }
  impl_->core.listener->wake();
}

void BaseServer::shutdown() {
  if (!impl_->made_in.is_this()) return;
  request_stop();
  if (!detail::HandlerScope::is_inside(*this)) impl_->core.lifecycle.wait_until_stopped();
}

void BaseServer::server_close() {
  if (!impl_->made_in.is_this()) return;
  if (detail::HandlerScope::is_inside(*this)) return request_stop();
  shutdown();
  (void)impl_->core.lifecycle.consume_pending_stop();
  if (impl_->core.connections.active() > 0) impl_->stop.start();
  impl_->stop.finish();
}

const SocketAddress& BaseServer::server_address() const noexcept { return impl_->core.listener->addresses().front(); }
const std::vector<SocketAddress>& BaseServer::server_addresses() const noexcept {
  return impl_->core.listener->addresses();
}
const ServerConfig& BaseServer::config() const noexcept { return *impl_->core.config; }
ServerStats BaseServer::stats() const {
  ServerStats stats = impl_->core.connections.stats();
  stats.queued = impl_->core.policy->queued();
  stats.waits = impl_->accept_loop.waits();
  stats.accept_errors = impl_->accept_loop.errors();
  stats.lingering = impl_->core.background->lingering();
  stats.lingers_cut = impl_->core.background->lingers_cut();
  return stats;
}
std::vector<Budget> BaseServer::budgets() const { return impl_->core.budgets.look(impl_->core.connections.active()); }
std::string BaseServer::active_connections() const {
  return concat(impl_->core.handler_name, " for ", impl_->core.connections.describe());
}
Logger& BaseServer::log() noexcept { return impl_->core.log; }

bool BaseServer::verify_request(Request&) { return true; }
void BaseServer::process_request(Request& request) { impl_->runner.submit(*request.connection_); }

void BaseServer::shutdown_request(Request& request) {
  // See SocketStream::read_is_shut(): then the end comes with the close; and so it does, at once, where the peer has
  // ended its direction, too.
  detail::Connection* own = request.connection_;
  if (own != nullptr) own->end_session();
  if (own != nullptr && (own->transport.read_is_shut() || own->transport.at_eof())) return;
  request.stream().shutdown(ShutdownHow::write);
}

void BaseServer::close_request(Request& request) {
  if (request.connection_ != nullptr) impl_->runner.close(*request.connection_);
}

void BaseServer::handle_error(Request& request, std::exception_ptr error) {
  const std::string client = request.client_address().to_string();
  try {
    std::rethrow_exception(error);
  } catch (const StreamError& network) {
    impl_->core.log_event(impl_->core.budgets.network_lines, LogLevel::info, concat(client, ": ", network.what()));
  } catch (...) {
    impl_->core.log_event(impl_->core.budgets.error_lines, LogLevel::error,
                          concat(client, ": ", detail::describe(error)));
  }
}

void BaseServer::handle_drain_timeout(std::size_t running) {
  log().error(
      concat(running, " handlers still running although their connections were shut down: ", active_connections()));
}

}  // namespace socketserver
