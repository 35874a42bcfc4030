#include <socketserver/server/environment.hpp>

#include <socketserver/server/housekeeper.hpp>
#include <socketserver/server/socket_listener.hpp>
#include <utility>

namespace socketserver::detail {
namespace {

class SystemEnvironment final : public Environment {
 public:
  std::unique_ptr<Listener> listen(const std::vector<ListenOptions>& listen, const SocketOptions& socket) override {
    return std::make_unique<SocketListener>(listen, socket);
  }
  std::unique_ptr<Background> background(std::size_t most_lingering) override {
    return std::make_unique<Housekeeper>(most_lingering);
  }
  std::unique_ptr<Policy> policy(const PolicyOptions& options) override { return make_policy(options); }
};

}  // namespace

Environment& system_environment() noexcept {
  static SystemEnvironment system;
  return system;
}

}  // namespace socketserver::detail
