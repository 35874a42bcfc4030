#include <socketserver/net/address.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <socketserver/base/text.hpp>
#include <system_error>

namespace socketserver {
namespace {

class ResolverCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "resolver"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

[[noreturn]] void throw_resolver_error(int code, const std::string& what) {
  static const ResolverCategory category;
  if (code == EAI_SYSTEM) throw std::system_error(errno, std::generic_category(), what);
  throw std::system_error(code, category, what);
}

std::string ipv6_text(const sockaddr_in6& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
    ::inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], text, sizeof text);
    return text;
  }
  ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
  return address.sin6_scope_id == 0 ? text : concat(text, "%", address.sin6_scope_id);
}

std::vector<SocketAddress> resolve(const std::string& name, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  const std::string service = std::to_string(port);
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(name.empty() ? nullptr : name.c_str(), service.c_str(), &hints, &found);
  if (code != 0) throw_resolver_error(code, concat("host \"", escaped(name), "\""));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);

  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    addresses.emplace_back(entry->ai_addr, entry->ai_addrlen);
  }
  return addresses;
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

std::string SocketAddress::to_string() const {
  const std::string text = host();
  if (text.empty()) return "(none)";
  if (text.find(':') != std::string::npos) return concat("[", text, "]:", port());
  return concat(text, ":", port());
}

std::vector<SocketAddress> resolve_listen(std::string_view host, std::uint16_t port) {
  // "localhost" is the loopback, also on a system without /etc/hosts. Source: RFC 6761, section 6.3.
  if (host == "localhost") {
    std::vector<SocketAddress> loopback = resolve("127.0.0.1", port);
    loopback.push_back(resolve("::1", port).at(0));
    return loopback;
  }
  std::vector<SocketAddress> addresses = resolve(std::string(host), port);
  // One socket serves both families only as IPv6; a name's clients mostly try IPv4.
  const int first = host.empty() ? AF_INET6 : AF_INET;
  std::stable_partition(addresses.begin(), addresses.end(),
                        [first](const SocketAddress& address) { return address.family() == first; });
  return addresses;
}

SocketAddress local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    throw std::system_error(errno, std::generic_category(), "getsockname");
  }
  return {reinterpret_cast<const sockaddr*>(&storage), length};
}

}  // namespace socketserver
