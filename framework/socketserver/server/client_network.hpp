#pragma once
// Which peers count as one client.

#include <cstdint>
#include <socketserver/net/address.hpp>

namespace socketserver::detail {

/// @returns a number for who a peer counts as: an IPv4 address, also one that is mapped into IPv6 as on a dual-stack
/// socket, or an IPv6 network of 64 bits, which is one customer's; 0 for no address.
std::uint64_t client_network(const SocketAddress& peer) noexcept;

}  // namespace socketserver::detail
