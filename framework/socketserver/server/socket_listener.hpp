#pragma once
// The listener of the system's environment.

#include <socketserver/net/acceptor.hpp>
#include <socketserver/server/environment.hpp>

namespace socketserver::detail {

class SocketListener final : public Listener {
 public:
  /// @throws std::system_error  as Acceptor.
  SocketListener(const ListenOptions& listen, const SocketOptions& socket) : acceptor_(listen, socket) {}

  const SocketAddress& address() const noexcept override { return acceptor_.address(); }
  bool listening() const noexcept override { return acceptor_.listening(); }
  Acceptor::Event wait(bool connections, Deadline deadline) override { return acceptor_.wait(connections, deadline); }
  void wake() noexcept override { acceptor_.wake(); }
  Arrival accept() override;
  void refuse_new() noexcept override { acceptor_.refuse_new(); }
  std::size_t waiting() const noexcept override { return acceptor_.waiting(); }
  void close() noexcept override { acceptor_.close(); }
  void reopen() override { acceptor_.reopen(); }
  Room start(Logger& log, const ServerConfig& config, std::string_view policy, std::size_t most) const override;

 private:
  Acceptor acceptor_;
};

}  // namespace socketserver::detail
