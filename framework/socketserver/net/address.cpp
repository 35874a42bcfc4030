#include <socketserver/net/address.hpp>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <socketserver/base/last_error.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/net/lookup.hpp>
#include <system_error>
#include <utility>

namespace socketserver {
namespace {

std::string ipv6_text(const sockaddr_in6& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
    ::inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], text, sizeof text);
    return text;
  }
  ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
  return address.sin6_scope_id == 0 ? text : concat(text, "%", address.sin6_scope_id);
}

}  // namespace

SocketAddress::SocketAddress(const sockaddr* address, socklen_t length) noexcept
    : length_(std::min(length, static_cast<socklen_t>(sizeof storage_))) {
  std::memcpy(&storage_, address, length_);
}

std::string SocketAddress::host() const {
  if (family() == AF_INET6) return ipv6_text(*reinterpret_cast<const sockaddr_in6*>(&storage_));
  char text[INET_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text, sizeof text);
  }
  return text;
}

std::uint16_t SocketAddress::port() const noexcept {
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  return 0;
}

/// Source: unix(7), "Three types of address".
std::string SocketAddress::unix_path() const {
  constexpr std::size_t kBegin = offsetof(sockaddr_un, sun_path);
  if (!is_unix() || length_ <= kBegin) return "";
  std::string name(reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path, length_ - kBegin);
  if (name.front() != '\0') return name.substr(0, name.find('\0'));
  name.front() = '@';
  return name;
}

std::string SocketAddress::to_string() const {
  if (is_unix()) return "unix:" + escaped(unix_path());
  const std::string text = host();
  if (text.empty()) return "(none)";
  if (text.find(':') != std::string::npos) return concat("[", text, "]:", port());
  return concat(text, ":", port());
}

std::vector<SocketAddress> resolve_listen(std::string_view host, std::uint16_t port) {
  // As in resolve_host().
  if (host == "localhost") return detail::loopback(port);
  detail::ResolveResult found = detail::look_up(std::string(host), port, AI_PASSIVE);
  if (found.error) throw std::system_error(found.error, concat("host \"", escaped(host), "\""));
  // One socket serves both families only as IPv6; a name's clients usually try IPv4.
  const int first = host.empty() ? AF_INET6 : AF_INET;
  std::stable_partition(found.addresses.begin(), found.addresses.end(),
                        [first](const SocketAddress& address) { return address.family() == first; });
  return std::move(found.addresses);
}

SocketAddress detail::ip_from_bytes(int family, const void* bytes, std::uint16_t port) noexcept {
  if (family == AF_INET) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
    std::memcpy(&address.sin_addr, bytes, sizeof address.sin_addr);
    return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  std::memcpy(&address.sin6_addr, bytes, sizeof address.sin6_addr);
  return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

std::optional<SocketAddress> ip_address(std::string_view host, std::uint16_t port) noexcept {
  char text[INET6_ADDRSTRLEN] = "";
  if (host.size() >= sizeof text || host.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(host.begin(), host.end(), text);
  in6_addr bytes{};  // room for both families
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, text, &bytes) == 1) return detail::ip_from_bytes(family, &bytes, port);
  }
  return std::nullopt;
}

SocketAddress unix_address(std::string_view path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const bool abstract = path.starts_with('@');
  const std::string what = concat("Unix socket path \"", escaped(path), '"');
  if (path.empty() || path.find('\0') != std::string_view::npos) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument), what);
  }
  if (path.size() >= sizeof address.sun_path) {
    throw std::system_error(std::make_error_code(std::errc::filename_too_long),
                            concat(what, " of ", path.size(), " bytes, of at most ", sizeof address.sun_path - 1));
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  if (abstract) address.sun_path[0] = '\0';
  const std::size_t length = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1);
  return {reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length)};
}

SocketAddress local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    detail::throw_last_error("getsockname");
  }
  return {reinterpret_cast<const sockaddr*>(&storage), length};
}

}  // namespace socketserver
