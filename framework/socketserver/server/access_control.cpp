#include <socketserver/server/access_control.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <socketserver/net/ip_network.hpp>

namespace socketserver::detail {
namespace {

using std::chrono::seconds;

/// @returns the client's address, an IPv6 address without its last 64 bits.
std::array<std::uint8_t, 16> key_of(const SocketAddress& client) {
  auto bytes = ip_bytes(client);
  if (!is_ipv4(client)) std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return bytes;
}

/// @returns the time between two accepts at a rate a second; zero for none.
Duration interval(const std::optional<std::size_t>& rate) {
  if (!rate) return Duration::zero();
  return std::chrono::duration_cast<Duration>(seconds(1)) / static_cast<Duration::rep>(*rate);
}

}  // namespace

std::string_view to_string(Access access) noexcept {
  switch (access) {
    case Access::granted: return "granted";
    case Access::denied: return "denied by /access";
    case Access::too_many_connections: return "has as many connections as /access/max_connections_per_client";
    case Access::too_many_accepts: break;
  }
  return "connects more often than /access/accepts_per_second_per_client";
}

AccessControl::AccessControl(const AccessConfig& config, const Clock& clock)
    : config_(config), clock_(clock), between_(interval(config.accepts_per_second_per_client)) {}

bool AccessControl::counts(const SocketAddress& client) const noexcept {
  const bool limits = config_.max_connections_per_client || config_.accepts_per_second_per_client;
  return limits && (client.family() == AF_INET || client.family() == AF_INET6);
}

Access AccessControl::enter(const SocketAddress& client) {
  if (contains(config_.deny, client)) return Access::denied;
  if (!config_.allow.empty() && !contains(config_.allow, client)) return Access::denied;
  if (!counts(client)) return Access::granted;
  const std::lock_guard lock(mutex_);
  Client& known = find_or_add(key_of(client))->second;
  if (known.connections >= config_.max_connections_per_client.value_or(known.connections + 1)) {
    return Access::too_many_connections;
  }
  if (too_often(known, clock_.now())) return Access::too_many_accepts;
  if (known.connections++ == 0) busy_.splice(busy_.end(), idle_, known.position);
  return Access::granted;
}

/// A second's accepts may come at once; then one for each that the rate gives back. Source: GCRA, ITU-T I.371.
bool AccessControl::too_often(Client& client, TimePoint now) const noexcept {
  if (between_ == Duration::zero()) return false;
  const TimePoint next = std::max(client.next_accept, now);
  if (next - now > seconds(1) - between_) return true;
  client.next_accept = next + between_;
  return false;
}

void AccessControl::leave(const SocketAddress& client) noexcept {
  if (!counts(client)) return;
  const std::lock_guard lock(mutex_);
  Client& known = clients_.find(key_of(client))->second;
  if (--known.connections > 0) return;
  idle_.splice(idle_.end(), busy_, known.position);
  forget_idle(known);
}

AccessControl::Clients::iterator AccessControl::find_or_add(const Key& key) {
  if (const auto found = clients_.find(key); found != clients_.end()) return found;
  std::list<Key> place{key};
  const auto added = clients_.try_emplace(key).first;
  added->second.position = place.begin();
  idle_.splice(idle_.end(), place);
  forget_idle(added->second);
  return added;
}

/// Forgets the idle clients whose rate need not be known any more, and past kMaxIdle the one that is idle the longest.
void AccessControl::forget_idle(const Client& but) noexcept {
  const TimePoint now = clock_.now();
  while (idle_.begin() != but.position) {
    const auto oldest = clients_.find(idle_.front());
    if (idle_.size() <= kMaxIdle && oldest->second.next_accept > now) return;
    idle_.pop_front();
    clients_.erase(oldest);
  }
}

std::size_t AccessControl::remembered() const {
  const std::lock_guard lock(mutex_);
  return clients_.size();
}

}  // namespace socketserver::detail
