#include <socketserver/testing/stub_server.hpp>

#include <socketserver/testing/local_config.hpp>
#include <utility>

namespace socketserver::testing {
namespace {

ServerConfig stubbed(ServerConfig config) {
  config.concurrency.policy = PolicyKind::inline_;  // no threads
  return detail::local_config(std::move(config));
}

}  // namespace

StubServer::StubServer(ServerConfig config) : BaseServer(stubbed(std::move(config))) {}

StubServer::~StubServer() { server_close(); }

bool StubServer::stop_requested() {
  // A stop before the first serve_forever stays pending and ends a wait for a connection before its deadline.
  while (!stopped_ && !std::exchange(nothing_happened_, false)) {
    const bool connection = handle_request(Deadline::at_once());
    stopped_ = !connection && !nothing_happened_;
  }
  return stopped_;
}

}  // namespace socketserver::testing
