#pragma once
// The command line that every server gets: int main(int argc, char** argv) { return
// serve_main<MyHandler>(argc, argv); }

#include <memory>
#include <socketserver/base/function.hpp>
#include <socketserver/base/visibility.hpp>
#include <socketserver/server/tcp_server.hpp>
#include <utility>

namespace SOCKETSERVER_PUBLIC socketserver {

namespace detail {

using MakeServer = MoveOnlyFunction<std::unique_ptr<BaseServer>(const ServerConfig&)>;
using Configure = MoveOnlyFunction<void(const ServerConfig&)>;
int serve_command_line(int argc, char** argv, MakeServer make, Configure configure);
[[noreturn]] void exit_with_handlers_running(BaseServer& server, std::size_t running);

/// A server whose process does not wait for handlers that ignore the end of their connection.
template <typename Handler>
class CommandLineServer final : public TCPServer<Handler> {
 public:
  using TCPServer<Handler>::TCPServer;

 protected:
  void handle_drain_timeout(std::size_t running) override {
    TCPServer<Handler>::handle_drain_timeout(running);
    exit_with_handlers_running(*this, running);
  }
};

}  // namespace detail

/// Reads the command line, then serves until SIGINT or SIGTERM. Options: --config FILE, --host, --port, --policy,
/// --threads, --set /pointer=json (repeatable), --log-level; --check, --print-config, --print-schema,
/// --version, --help.
/// @param args  handed to each handler's constructor, as TCPServer does. Where Handler has a static
///              configure(const ServerConfig&, args...) it is called once, before anything is bound and for --check;
///              a ConfigError that it throws is status 2.
/// @returns the exit status: 0 drained; 1 failed to start; 2 bad usage or configuration, nothing was bound; 3
/// the drain deadline passed with handlers still running. A second signal n ends the process with 128+n.
template <typename Handler, typename... Args>
int serve_main(int argc, char** argv, Args... args) {
  const auto make = [&args...](const ServerConfig& config) {
    return std::unique_ptr<BaseServer>(std::make_unique<detail::CommandLineServer<Handler>>(config, args...));
  };
  const auto configure = [&]([[maybe_unused]] const ServerConfig& config) {  // clang: args may be unused
    if constexpr (requires { Handler::configure(config, args...); }) Handler::configure(config, args...);
  };
  return detail::serve_command_line(argc, argv, make, configure);
}

}  // namespace socketserver
