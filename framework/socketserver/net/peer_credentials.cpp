#include <socketserver/net/peer_credentials.hpp>

#include <sys/socket.h>

#include <socketserver/net/socket_options.hpp>

namespace socketserver {

std::optional<PeerCredentials> peer_credentials(int fd) noexcept {
  if (get_option(fd, SOL_SOCKET, SO_DOMAIN) != AF_UNIX) return std::nullopt;
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.uid == static_cast<uid_t>(-1)) {
    return std::nullopt;
  }
  return PeerCredentials{peer.pid, peer.uid, peer.gid};
}

}  // namespace socketserver
