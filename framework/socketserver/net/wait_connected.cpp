#include <socketserver/net/wait_connected.hpp>

#include <poll.h>

#include <algorithm>
#include <socketserver/net/wait_set.hpp>

namespace socketserver::detail {

std::optional<std::size_t> wait_connected(const std::vector<Pending>& pending, Deadline deadline) {
  std::vector<pollfd> sockets;
  for (const Pending& one : pending) sockets.push_back({.fd = one.socket.get(), .events = POLLOUT, .revents = 0});
  if (poll_any(sockets, deadline) == 0) return std::nullopt;
  const auto decided =
      std::find_if(sockets.begin(), sockets.end(), [](const pollfd& socket) { return socket.revents != 0; });
  return static_cast<std::size_t>(decided - sockets.begin());
}

}  // namespace socketserver::detail
