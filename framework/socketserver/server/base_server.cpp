#include <socketserver/server/base_server.hpp>

#include <memory>
#include <socketserver/base/detail/type_name.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/server/detail/base_server_impl.hpp>
#include <socketserver/server/detail/handler_scope.hpp>
#include <socketserver/server/detail/signal_watcher.hpp>
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

DrainReport BaseServer::serve_forever() {
  impl_->begin();
  try {
    impl_->serve();
  } catch (...) {
    request_stop();
    impl_->drain();
    throw;
  }
  return impl_->drain();
}

DrainReport BaseServer::serve_until_signal() {
  const detail::SignalWatcher watcher({.stop = [this] { request_stop(); },
                                       .reopen_log = [this] { impl_->reopen_log(); },
                                       .report = [this] { impl_->log_stats(); }});
  return serve_forever();
}

bool BaseServer::handle_request(Deadline deadline) {
  if (impl_->lifecycle.take_remembered_stop()) return false;
  const std::uint64_t stops = impl_->lifecycle.stop_requests();
  if (!impl_->listener->listening()) impl_->listener->reopen();
  while (impl_->lifecycle.stop_requests() == stops) {
    if (impl_->turn(deadline, 1)) return true;
    if (deadline.expired()) {
      handle_timeout();
      return false;
    }
  }
  (void)impl_->lifecycle.take_remembered_stop();  // it has had its effect
  return false;
}

void BaseServer::request_stop() noexcept {
  if (!impl_->made_in.is_this()) return;
  if (impl_->lifecycle.request_stop()) {
    impl_->start_drain();
    impl_->lifecycle.drain_started();
  }
  impl_->listener->wake();
}

void BaseServer::shutdown() {
  if (!impl_->made_in.is_this()) return;
  request_stop();
  if (!detail::HandlerScope::is_inside(*this)) impl_->lifecycle.wait_until_stopped();
}

void BaseServer::server_close() {
  if (!impl_->made_in.is_this()) return;
  if (detail::HandlerScope::is_inside(*this)) return request_stop();
  shutdown();
  (void)impl_->lifecycle.take_remembered_stop();
  if (impl_->connections.active() > 0) impl_->start_drain();
  impl_->finish();
}

const SocketAddress& BaseServer::server_address() const noexcept { return impl_->listener->address(); }
const ServerConfig& BaseServer::config() const noexcept { return impl_->config; }
ServerStats BaseServer::stats() const { return impl_->stats(); }
std::vector<Budget> BaseServer::budgets() const { return impl_->budgets().look(impl_->connections.active()); }
std::string BaseServer::active_connections() const { return impl_->active_connections(); }
Logger& BaseServer::log() noexcept { return impl_->log; }

bool BaseServer::verify_request(Request&) { return true; }
void BaseServer::process_request(Request& request) { impl_->submit(request); }

void BaseServer::shutdown_request(Request& request) {
  // See SocketStream::read_is_shut(): then the end comes with the close; and so it does, at once, where the peer has
  // ended its direction, too.
  const detail::Connection* own = request.connection_;
  if (own != nullptr && (own->stream.read_is_shut() || own->stream.at_eof())) return;
  request.stream().shutdown(ShutdownHow::write);
}

void BaseServer::close_request(Request& request) {
  if (request.connection_ != nullptr) impl_->close(*request.connection_);
}

void BaseServer::handle_error(Request& request, std::exception_ptr error) {
  const std::string client = request.client_address().to_string();
  try {
    std::rethrow_exception(error);
  } catch (const StreamError& network) {
    impl_->log_event(impl_->budgets().network_lines, LogLevel::info, concat(client, ": ", network.what()));
  } catch (...) {
    impl_->log_event(impl_->budgets().error_lines, LogLevel::error, concat(client, ": ", detail::describe(error)));
  }
}

void BaseServer::handle_drain_timeout(std::size_t running) {
  log().error(concat(running, " handlers do not end although their connections are shut down: ", active_connections()));
}

}  // namespace socketserver
