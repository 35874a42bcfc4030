#pragma once
// The listener of the system's environment.

#include <socketserver/net/listener_set.hpp>
#include <socketserver/server/environment.hpp>
#include <vector>

namespace socketserver::detail {

class SocketListener final : public Listener {
 public:
  /// @throws std::system_error  as ListenerSet.
  SocketListener(const std::vector<ListenOptions>& listen, const SocketOptions& socket) : set_(listen, socket) {}

  const std::vector<SocketAddress>& addresses() const noexcept override { return set_.addresses(); }
  bool listening() const noexcept override { return set_.listening(); }
  ListenerSet::Event wait(bool connections, Deadline deadline) override { return set_.wait(connections, deadline); }
  void wake() noexcept override { set_.wake(); }
  AcceptedConnection accept() override;
  void refuse_new() noexcept override { set_.refuse_new(); }
  std::size_t waiting() noexcept override { return set_.waiting(); }
  void close() noexcept override { set_.close(); }
  void reopen() override { set_.reopen(); }
  Room start(Logger& log, const ServerConfig& config, std::string_view policy, std::size_t most) const override;

 private:
  ListenerSet set_;
};

}  // namespace socketserver::detail
