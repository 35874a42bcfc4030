#pragma once
// The inside of BaseServer: its parts, and the hooks as they call them.

#include <socketserver/base/process_of.hpp>
#include <socketserver/server/accept_loop.hpp>
#include <socketserver/server/base_server.hpp>
#include <socketserver/server/connection_runner.hpp>
#include <socketserver/server/hooks.hpp>
#include <socketserver/server/server_core.hpp>
#include <socketserver/server/shutdown.hpp>
#include <string>
#include <utility>

namespace socketserver {

class BaseServer::Impl final : public detail::Hooks {
 public:
  Impl(BaseServer& owner, ServerConfig config, std::string handler_name)
      : server(owner), core(owner, *this, std::move(config), std::move(handler_name)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { core.stop_threads(); }

  /// @throws std::logic_error  in a child of the process that made the server.
  void check_process() const;
  /// Enters serving, and makes room for the connections.
  void begin();
  void log_stats() noexcept;
  void reopen_log() noexcept;
  void reload_certificates() noexcept;
  void log_tls_warnings();

  bool verify_request(Request& request) override { return server.verify_request(request); }
  void process_request(Request& request) override { server.process_request(request); }
  bool handler_speaks_first() const noexcept override { return server.handler_speaks_first(); }
  void finish_request(Request& request) override { server.finish_request(request); }
  void shutdown_request(Request& request) override { server.shutdown_request(request); }
  void close_request(Request& request) override { server.close_request(request); }
  void handle_error(Request& request, std::exception_ptr error) override { server.handle_error(request, error); }
  void service_actions() override { server.service_actions(); }
  void handle_drain_timeout(std::size_t running) override { server.handle_drain_timeout(running); }

  BaseServer& server;
  const detail::ProcessOf made_in;
  detail::ServerCore core;
  detail::ConnectionRunner runner{core, [this] { accept_loop.connection_ended(); }};
  detail::AcceptLoop accept_loop{core, runner};
  detail::Shutdown stop{core, accept_loop};
};

}  // namespace socketserver
