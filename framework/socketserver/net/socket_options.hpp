#pragma once
// The options of listening and connected sockets, and what the kernel really granted.

#include <chrono>
#include <cstdint>
#include <optional>
#include <socketserver/base/visibility.hpp>
#include <string>

namespace SOCKETSERVER_PUBLIC socketserver {

/// One place where a server listens, and how: a TCP port, or a Unix socket if there is a path.
struct ListenOptions {
  std::string host = "localhost";  ///< a name, IPv4, IPv6, or "" for any address, dual-stack
  std::uint16_t port = 9999;       ///< 0 lets the kernel choose
  std::optional<int> backlog{};    ///< connections that wait to be accepted; nullopt is the system's most (somaxconn)
  bool reuse_address = true;       ///< SO_REUSEADDR: a restart does not wait for old connections' TIME_WAIT
  bool proxy_protocol = false;     ///< connections come from a proxy and begin with its header: ServerConfig::proxy
  bool tls = false;                ///< connections speak TLS, after a PROXY header: ServerConfig::tls
  bool reuse_port = false;         ///< SO_REUSEPORT: several servers share the port, and each gets a part
  /// Of a Unix socket, which has no host, port and reuse_ options: a file of at most 107 bytes, or a name in the
  /// abstract namespace behind an "@". A file that a dead server has left is replaced.
  std::string path{};
  std::optional<unsigned> mode{};  ///< of the path's file, as 0660; nullopt is what the umask leaves
  std::string name{};              ///< for the log; the framework gives it no meaning
};

/// Options of each connection. nullopt leaves a value to the kernel, which usually tunes buffers better.
struct SocketOptions {
  bool nodelay = true;                  ///< TCP_NODELAY: a small reply is not held back
  bool keepalive = false;               ///< SO_KEEPALIVE: the kernel probes a silent peer
  std::optional<int> receive_buffer{};  ///< SO_RCVBUF in bytes; the kernel doubles it and cuts it at rmem_max
  std::optional<int> send_buffer{};     ///< SO_SNDBUF in bytes, doubled as well, capped at wmem_max
  std::optional<std::chrono::seconds> keepalive_idle{};  ///< TCP_KEEPIDLE: silence before the first probe, 1 to 32767 s
  std::optional<std::chrono::seconds> keepalive_interval{};  ///< TCP_KEEPINTVL: between two probes, 1 to 32767 s
  std::optional<int> keepalive_count{};                      ///< TCP_KEEPCNT: unanswered probes that end it, 1 to 127
};

/// Sets them on a socket before listen(2) or connect(2): the receive buffer decides the window scale, which
/// is agreed in the handshake. Connections inherit them all from their listening socket (Linux). Of a Unix socket only
/// the buffers are set: it has neither segments nor probes.
/// @throws std::system_error.
void apply_options(int fd, const SocketOptions& options);

/// @returns an option's value as the kernel has it, nullopt if it has none. @param level,name  as getsockopt(2).
std::optional<int> get_option(int fd, int level, int name) noexcept;
/// Sets an option, as setsockopt(2). @throws std::system_error  with `what`.
void set_option(int fd, int level, int name, int value, const char* what);

/// @returns whether the peer has yet to acknowledge something. Source: tcp(7), SIOCOUTQ.
bool has_unsent(int fd) noexcept;
/// Has close(2) reset the connection and free what is unsent, which the kernel would otherwise keep for minutes for a
/// peer that does not read. Source: socket(7), SO_LINGER.
void reset_on_close(int fd) noexcept;
/// Bounds how long the kernel keeps a closed connection whose peer does not read. Source: tcp(7), TCP_USER_TIMEOUT.
void bound_unsent(int fd, std::chrono::milliseconds time) noexcept;

}  // namespace socketserver
