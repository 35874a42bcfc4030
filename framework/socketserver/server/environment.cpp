#include <socketserver/server/environment.hpp>

#include <new>
#include <socketserver/net/socket_stream.hpp>
#include <socketserver/server/housekeeper.hpp>
#include <socketserver/server/socket_listener.hpp>
#include <utility>

namespace socketserver::detail {
namespace {

class SystemEnvironment final : public Environment {
 public:
  std::unique_ptr<Listener> listen(const ListenOptions& listen, const SocketOptions& socket) override {
    return std::make_unique<SocketListener>(listen, socket);
  }
  std::unique_ptr<Background> background(std::size_t most_lingering) override {
    return std::make_unique<Housekeeper>(most_lingering);
  }
  std::unique_ptr<Policy> policy(const PolicyOptions& options) override { return make_policy(options); }
};

}  // namespace

Arrival SocketListener::accept() {
  Acceptor::Accepted accepted = acceptor_.accept();
  if (accepted.error) return {.error = accepted.error};
  try {
    return {.stream = std::make_unique<SocketStream>(std::move(accepted.socket), accepted.peer), .peer = accepted.peer};
  } catch (const std::bad_alloc&) {
    return {.error = std::make_error_code(std::errc::not_enough_memory)};
  }
}

Environment& system_environment() noexcept {
  static SystemEnvironment system;
  return system;
}

}  // namespace socketserver::detail
