#pragma once
// Who is at the other end of a Unix socket.

#include <sys/types.h>

#include <optional>
#include <socketserver/base/visibility.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

/// The process that connected, as it was then. Its number may be another's since. Source: unix(7), SO_PEERCRED.
struct PeerCredentials {
  pid_t pid = 0;  ///< process; 0 if it is not in this PID namespace
  uid_t uid = 0;  ///< effective user
  gid_t gid = 0;  ///< effective group
};

/// @returns nullopt if the socket is no connected Unix socket.
std::optional<PeerCredentials> peer_credentials(int fd) noexcept;

}  // namespace socketserver
