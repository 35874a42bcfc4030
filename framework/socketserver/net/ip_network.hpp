#pragma once
// An IP network, for lists of addresses that are trusted, allowed or denied.

#include <array>
#include <cstdint>
#include <socketserver/base/visibility.hpp>
#include <socketserver/net/address.hpp>
#include <span>
#include <string>
#include <string_view>

namespace SOCKETSERVER_PUBLIC socketserver {

/// All addresses with a common prefix: "10.0.0.0/8", "2001:db8::/32"; a single address, as "127.0.0.1"; or "unix", all
/// Unix sockets. An IPv4 client of a dual-stack server is in IPv4 networks. A value.
class IpNetwork {
 public:
  /// @throws std::invalid_argument  the text is none, or has bits set behind its prefix.
  IpNetwork(std::string_view text);  // NOLINT(google-explicit-constructor): as in {"10.0.0.0/8", "::1"}
  /// @overload
  IpNetwork(const char* text) : IpNetwork(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)

  /// Whether an address is in the network; its port does not matter.
  bool contains(const SocketAddress& address) const noexcept;
  /// @returns the text that it was made from.
  const std::string& to_string() const noexcept { return text_; }

  /// By their texts.
  friend bool operator==(const IpNetwork& a, const IpNetwork& b) { return a.text_ == b.text_; }

 private:
  std::string text_;
  std::array<std::uint8_t, 16> prefix_{};  // IPv4 as IPv6 has it mapped; zero behind its bits
  int bits_ = 0;                           // 0 to 128, of prefix_
  int family_ = 0;
};

/// @returns whether one of the networks contains the address.
bool contains(std::span<const IpNetwork> networks, const SocketAddress& address) noexcept;

namespace detail {

/// @returns an IP address's 16 bytes, IPv4 mapped; all zero for any other family.
std::array<std::uint8_t, 16> ip_bytes(const SocketAddress& address) noexcept;
/// Whether it is an IPv4 address, mapped ones included.
bool is_ipv4(const SocketAddress& address) noexcept;

}  // namespace detail
}  // namespace socketserver
