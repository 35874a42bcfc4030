#pragma once
// The PROXY protocol's header: how a proxy in front of a server names the client that it relays. Versions 1 and 2.

#include <cstdint>
#include <socketserver/base/visibility.hpp>
#include <socketserver/net/address.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

/// A further field of a version 2 header.
struct ProxyTlv {
  std::uint8_t type = 0;  ///< as PP2_TYPE_ALPN, 0x01, or PP2_TYPE_AUTHORITY, 0x02
  std::string value{};    ///< its bytes, as they were sent
};

/// What the header says. Source: haproxy's doc/proxy-protocol.txt, revision 2020/03/05.
struct ProxyHeader {
  int version = 1;               ///< 1, a line of text, or 2, binary
  bool local = false;            ///< LOCAL: the proxy connects for itself, as for a health check
  SocketAddress source{};        ///< the client's; no address where the proxy names none
  SocketAddress destination{};   ///< what the client connected to; no address where the proxy names none
  std::vector<ProxyTlv> tlvs{};  ///< in the order in which they were sent, those of no use left out

  /// @returns the first field of a type, null if there is none.
  const std::string* tlv(std::uint8_t type) const noexcept;
};

namespace detail {

constexpr std::size_t kMaxProxyHeader = 4096;  // bytes; a larger one is refused

/// What the first bytes of a connection are.
struct ProxyParse {
  enum class State { incomplete, complete, invalid };

  State state = State::incomplete;
  std::size_t size = 0;      // bytes of a complete header
  const char* problem = "";  // of an invalid one
  ProxyHeader header{};      // if complete
};

/// @param bytes  from a connection's first on; a header may be followed by others. @returns incomplete for fewer bytes
/// than a header has that may still be one.
ProxyParse parse_proxy_header(std::string_view bytes);

}  // namespace detail
}  // namespace socketserver
