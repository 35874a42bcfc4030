#pragma once
// Connecting to a server: Python's socket.create_connection, with a bound on every wait.

#include <cstdint>
#include <optional>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/visibility.hpp>
#include <socketserver/net/address.hpp>
#include <socketserver/net/socket_stream.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Where a connection comes from: .bind = "192.0.2.7", or SourceAddress("192.0.2.7", 5000).
struct SourceAddress {
  /// Implicit, so that a host alone can be assigned.
  SourceAddress(std::string from, std::uint16_t from_port = 0) : host(std::move(from)), port(from_port) {}
  /// @overload
  SourceAddress(const char* from, std::uint16_t from_port = 0) : SourceAddress(std::string(from), from_port) {}

  std::string host;        ///< a name or an address of this system; one of the target's family is taken
  std::uint16_t port = 0;  ///< 0 has the kernel choose
};

/// What the kernel makes of these: docs/kernel.md.
struct ConnectOptions {
  /// For all of it: the name's resolution and every address. nullopt leaves each address to the kernel, which tries for
  /// minutes, and the name to the resolver. Of several addresses each gets an equal part of what is left, 2 s at
  /// the least but never more than half, before the next is tried. Until the whole is over, a late answer is taken.
  std::optional<Duration> connect_timeout = std::chrono::seconds(10);
  /// Then for each wait of the stream, as Stream::settimeout; nullopt waits without a limit.
  std::optional<Duration> io_timeout = std::chrono::seconds(30);
  std::optional<int> syn_retries{};     ///< TCP_SYNCNT, 1 to 127; nullopt is tcp_syn_retries
  bool reuse_address = false;           ///< SO_REUSEADDR: `bind` may name a port that is in TIME_WAIT
  bool nodelay = true;                  ///< TCP_NODELAY: a small request is not held back
  std::optional<int> receive_buffer{};  ///< SO_RCVBUF in bytes; the kernel doubles it and cuts it at rmem_max
  std::optional<int> send_buffer{};     ///< SO_SNDBUF in bytes, doubled as well, capped at wmem_max
  std::optional<SourceAddress> bind{};  ///< nullopt leaves the source to the kernel
  Logger* log = nullptr;                ///< gets debug lines, also of what is sent and received; outlives the stream
};

/// Connects to the first of the host's addresses that answers, in the resolver's order.
/// @param host  a name, IPv4 or IPv6; "localhost" is the loopback without asking the resolver (RFC 6761). Only a name
///              needs a thread: getaddrinfo(3) takes no deadline. One that is overdue continues in the background;
///              there are at most 16.
/// @returns the stream, with io_timeout set.
/// @throws TimeoutError  the connect timeout is over, or the kernel gave up. what() says which, and the cause of each
///                       address, of at most eight.
/// @throws StreamError   the name has no address, or none can be connected to: what() gives each with its cause, at
/// most
///                       eight; code() is that of the first. Or there can be no thread to look the name up.
/// Threads: any.
/// Source: Python, socket.create_connection; Go, net.Dialer, for the parts of the timeout.
SocketStream create_connection(std::string_view host, std::uint16_t port, const ConnectOptions& options = {});

/// Looks a host up as create_connection() does, so that a program can leave out addresses before it connects.
/// @returns its addresses with the port, in the resolver's order; at least one.
/// @throws TimeoutError  the deadline has passed. @throws StreamError  the name has no address, or there can be no
/// thread. Threads: any; on a fiber it suspends that fiber.
std::vector<SocketAddress> resolve(std::string_view host, std::uint16_t port, Deadline deadline);

/// As create_connection() for a host, for addresses that are known already, best first.
SocketStream create_connection(const std::vector<SocketAddress>& addresses, const ConnectOptions& options = {});

}  // namespace socketserver
