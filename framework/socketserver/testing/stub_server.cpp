#include <socketserver/testing/stub_server.hpp>
#include <utility>

namespace socketserver::testing {
namespace {

ServerConfig stubbed(ServerConfig config) {
  config.listen.host = "127.0.0.1";
  config.listen.port = 0;
  config.concurrency.policy = PolicyKind::inline_;  // no threads
  if (!config.log.file) config.log.level = LogLevel::off;
  return config;
}

}  // namespace

StubServer::StubServer(ServerConfig config) : BaseServer(stubbed(std::move(config))) {}

StubServer::~StubServer() { server_close(); }

bool StubServer::stop_requested() {
  // A stop before the first serve_forever is remembered, and ends a wait for a connection before its deadline does.
  while (!stopped_ && !std::exchange(nothing_happened_, false)) {
    const bool connection = handle_request(Deadline::at_once());
    stopped_ = !connection && !nothing_happened_;
  }
  return stopped_;
}

}  // namespace socketserver::testing
