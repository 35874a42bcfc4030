#include <socketserver/net/ip_network.hpp>

#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <socketserver/base/text.hpp>
#include <stdexcept>

namespace socketserver {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

constexpr int kMappedBits = 96;  // ::ffff:0:0/96, source: RFC 4291, 2.5.5.2
constexpr Bytes kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Bytes mapped(const in_addr& address) {
  Bytes bytes = kMapped;
  std::memcpy(&bytes[12], &address, sizeof address);
  return bytes;
}

bool is_mapped(const Bytes& bytes) { return std::equal(bytes.begin(), bytes.begin() + 12, kMapped.begin()); }

/// @returns the bytes with all behind the first `bits` zero.
Bytes cut(Bytes bytes, int bits) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int kept = std::clamp(bits - static_cast<int>(8 * i), 0, 8);
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00U >> static_cast<unsigned>(kept)));
  }
  return bytes;
}

std::optional<int> number(std::string_view text, int max) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value >= 0 && value <= max ? std::optional(value) : std::nullopt;
}

[[noreturn]] void refuse(std::string_view text, std::string_view problem) {
  throw std::invalid_argument(concat('"', escaped(text), "\" ", problem));
}

}  // namespace

IpNetwork::IpNetwork(std::string_view text) : text_(text) {
  if (text == "unix") {
    family_ = AF_UNIX;
    return;
  }
  const std::size_t slash = text.find('/');
  const auto address = ip_address(text.substr(0, slash), 0);
  if (!address) refuse(text, "is no network, as \"10.0.0.0/8\", \"2001:db8::/32\" or \"unix\"");
  const bool is_v4 = address->family() == AF_INET;
  prefix_ = detail::ip_bytes(*address);
  const int max = is_v4 ? 32 : 128;
  const auto bits = slash == std::string_view::npos ? max : number(text.substr(slash + 1), max);
  if (!bits) refuse(text, concat("needs a prefix length from 0 to ", max));
  family_ = is_v4 || is_mapped(prefix_) ? AF_INET : AF_INET6;
  bits_ = *bits + (is_v4 ? kMappedBits : 0);
  if (cut(prefix_, bits_) != prefix_) refuse(text, "has bits set behind its prefix length");
}

bool IpNetwork::contains(const SocketAddress& address) const noexcept {
  if (family_ == AF_UNIX) return address.family() == AF_UNIX;
  if (address.family() != AF_INET && address.family() != AF_INET6) return false;
  const Bytes bytes = detail::ip_bytes(address);
  return is_mapped(bytes) == (family_ == AF_INET) && cut(bytes, bits_) == prefix_;
}

bool contains(std::span<const IpNetwork> networks, const SocketAddress& address) noexcept {
  return std::any_of(networks.begin(), networks.end(),
                     [&address](const IpNetwork& network) { return network.contains(address); });
}

bool detail::is_ipv4(const SocketAddress& address) noexcept { return is_mapped(ip_bytes(address)); }

Bytes detail::ip_bytes(const SocketAddress& address) noexcept {
  Bytes bytes{};
  if (address.family() == AF_INET) return mapped(reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr);
  if (address.family() == AF_INET6) {
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr, bytes.size());
  }
  return bytes;
}

}  // namespace socketserver
