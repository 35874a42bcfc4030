#pragma once
// Socket addresses: an IP address and a port or a Unix socket's path, and how names become them.

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <socketserver/base/visibility.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

/// An IPv4 or IPv6 address with its port, or the name of a Unix socket. A value; the default one is no address at all.
class SocketAddress {
 public:
  SocketAddress() = default;
  /// Copies what accept(2), getsockname(2) and their like give, which is in network byte order.
  SocketAddress(const sockaddr* address, socklen_t length) noexcept;

  /// @returns the address in numbers: "127.0.0.1", "::1", "fe80::1%2". An IPv4 client of a dual-stack server
  /// is shown as the IPv4 address it is. "" for a Unix socket.
  std::string host() const;
  /// @returns the name of a Unix socket: "/run/x.sock", "@name" for an abstract one, as its peer chose it, any bytes;
  /// "" for a client that has bound none, and for an IP address.
  std::string unix_path() const;
  /// @returns the port in the host's byte order; 0 for no address and for a Unix socket.
  std::uint16_t port() const noexcept;
  /// @returns AF_INET, AF_INET6 or AF_UNIX; AF_UNSPEC for no address.
  int family() const noexcept { return storage_.ss_family; }
  /// @returns "127.0.0.1:9999", "[::1]:9999" or "unix:/run/x.sock", printable; "unix:" for a client without a name;
  /// "(none)" for no address.
  std::string to_string() const;

  /// The address as system calls take it, size() bytes of it.
  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  /// To change it in place, within its size().
  sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
  /// In bytes; 0 for no address.
  socklen_t size() const noexcept { return length_; }

  /// By host() and port(), so that an IPv4 address equals its mapped form on a dual-stack socket; Unix sockets by their
  /// names.
  friend bool operator==(const SocketAddress& a, const SocketAddress& b) {
    return a.is_unix() == b.is_unix() && a.port() == b.port() && a.host() == b.host() && a.unix_path() == b.unix_path();
  }

 private:
  bool is_unix() const noexcept { return family() == AF_UNIX; }

  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

/// @returns the addresses to listen on for a host and port, best first: "" is any address (dual-stack IPv6,
/// then IPv4), and a name gives its IPv4 addresses before its IPv6 ones.
/// @throws std::system_error  the name has no address; what() names it. May wait for the resolver.
std::vector<SocketAddress> resolve_listen(std::string_view host, std::uint16_t port);

namespace detail {

/// @param bytes  the address in network byte order: 4 of them for AF_INET, 16 for AF_INET6.
SocketAddress ip_from_bytes(int family, const void* bytes, std::uint16_t port) noexcept;

}  // namespace detail

/// @returns an IP address given in numbers, without a scope; nullopt if the text is none.
std::optional<SocketAddress> ip_address(std::string_view host, std::uint16_t port) noexcept;

/// @returns the address of a Unix socket. @param path  a file, or behind an "@" a name in the abstract namespace.
/// @throws std::system_error  filename_too_long: more than 107 bytes; invalid_argument: it is empty or has a NUL.
SocketAddress unix_address(std::string_view path);

/// @returns the local address of a socket. @throws std::system_error.
SocketAddress local_address(int fd);

}  // namespace socketserver
