#pragma once
// Which clients may connect, how many connections each may have, and how often each may connect.

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <socketserver/base/clock.hpp>
#include <socketserver/net/address.hpp>
#include <socketserver/server/server_config.hpp>
#include <string_view>

namespace socketserver::detail {

/// What the answer to a client is.
enum class Access { granted, denied, too_many_connections, too_many_accepts };
std::string_view to_string(Access access) noexcept;

/// Counts IPv4 clients by address, IPv6 clients by /64: a host has as many addresses of one as it likes. A Unix
/// socket's clients are not counted. Its memory is bounded: it remembers a client for as long as it has connections, or
/// has connected so often that it matters, and of the latter at most kMaxIdle. Threads: safe to share.
class AccessControl {
 public:
  static constexpr std::size_t kMaxIdle = 65536;  // clients without a connection

  explicit AccessControl(const AccessConfig& config, const Clock& clock = steady_clock());

  /// Counts a connection of the client if the answer is `granted`: leave() ends it. @throws std::bad_alloc.
  Access enter(const SocketAddress& client);
  void leave(const SocketAddress& client) noexcept;

  /// @returns the clients that are remembered.
  std::size_t remembered() const;

 private:
  using Key = std::array<std::uint8_t, 16>;
  struct Client {
    std::size_t connections = 0;
    TimePoint next_accept = TimePoint::min();  // when it will have been as if it had never connected
    std::list<Key>::iterator position{};       // in idle_ while there are no connections, else in busy_
  };
  using Clients = std::map<Key, Client>;

  bool counts(const SocketAddress& client) const noexcept;
  bool too_often(Client& client, TimePoint now) const noexcept;
  Clients::iterator find_or_add(const Key& key);
  void forget_idle(const Client& but) noexcept;

  const AccessConfig config_;
  const Clock& clock_;
  const Duration between_;  // accepts, at the rate that is allowed
  mutable std::mutex mutex_;
  Clients clients_;      // guarded by mutex_, as is all below
  std::list<Key> idle_;  // clients without a connection, the longest idle first
  std::list<Key> busy_;  // those with connections
};

}  // namespace socketserver::detail
