#include <socketserver/testing/proxy_header.hpp>

#include <socketserver/base/text.hpp>
#include <socketserver/net/ip_network.hpp>
#include <stdexcept>

namespace socketserver::testing {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

bool is_v4(std::string_view source, std::string_view destination) {
  const auto from = ip_address(source, 0);
  const auto to = ip_address(destination, 0);
  if (!from || !to || from->family() != to->family()) {
    throw std::invalid_argument(concat(source, " and ", destination, " are not addresses of one family"));
  }
  return from->family() == AF_INET;
}

std::string big_endian(std::size_t number) {
  return {static_cast<char>(number >> 8U & 0xffU), static_cast<char>(number & 0xffU)};
}

std::string bytes_of(std::string_view host) {
  const auto bytes = socketserver::detail::ip_bytes(ip_address(host, 0).value());
  const std::string text(bytes.begin(), bytes.end());
  return host.find(':') == std::string_view::npos ? text.substr(12) : text;  // an IPv4 address is mapped
}

std::string binary(char command, char family, const std::string& rest) {
  return concat(kSignature, std::string{command, family}, big_endian(rest.size()), rest);
}

}  // namespace

std::string proxy_v1(std::string_view source, std::uint16_t source_port, std::string_view destination,
                     std::uint16_t destination_port) {
  return concat("PROXY ", is_v4(source, destination) ? "TCP4 " : "TCP6 ", source, " ", destination, " ", source_port,
                " ", destination_port, "\r\n");
}

std::string proxy_v2(std::string_view source, std::uint16_t source_port, std::string_view destination,
                     std::uint16_t destination_port, const std::vector<ProxyTlv>& tlvs) {
  const char family = is_v4(source, destination) ? 0x11 : 0x21;
  std::string rest =
      concat(bytes_of(source), bytes_of(destination), big_endian(source_port), big_endian(destination_port));
  for (const ProxyTlv& field : tlvs) {
    rest += concat(std::string(1, static_cast<char>(field.type)), big_endian(field.value.size()), field.value);
  }
  return binary(0x21, family, rest);
}

std::string proxy_v2_local() { return binary(0x20, 0, ""); }

}  // namespace socketserver::testing
