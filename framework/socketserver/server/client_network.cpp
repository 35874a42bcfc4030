#include <socketserver/server/client_network.hpp>

#include <netinet/in.h>

#include <cstring>

namespace socketserver::detail {
namespace {

/// As the second half of ::ffff:0:0/96, with which no IPv6 network begins.
std::uint64_t of_ipv4(std::uint32_t address) { return 0xFFFF00000000 | address; }

}  // namespace

std::uint64_t client_network(const SocketAddress& peer) noexcept {
  if (peer.family() == AF_INET) return of_ipv4(reinterpret_cast<const sockaddr_in*>(peer.data())->sin_addr.s_addr);
  if (peer.family() != AF_INET6) return 0;
  const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(peer.data())->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    std::uint32_t ipv4 = 0;
    std::memcpy(&ipv4, address.s6_addr + 12, sizeof ipv4);
    return of_ipv4(ipv4);
  }
  std::uint64_t network = 0;
  std::memcpy(&network, address.s6_addr, sizeof network);
  return network;
}

}  // namespace socketserver::detail
