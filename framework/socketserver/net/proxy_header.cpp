#include <socketserver/net/proxy_header.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace socketserver {
namespace detail {
namespace {

using State = ProxyParse::State;

constexpr std::string_view kText = "PROXY ";
constexpr std::size_t kMaxTextLine = 107;  // with its CRLF
constexpr std::string_view kBinary("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kBinaryStart = 16;  // up to the addresses
constexpr std::uint8_t kCrc32c = 0x03;    // PP2_TYPE_CRC32C
constexpr std::uint8_t kNoop = 0x04;      // PP2_TYPE_NOOP

ProxyParse invalid(const char* problem) { return {.state = State::invalid, .problem = problem}; }

// Version 1: a line.

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  const bool plain = text == "0" || !text.starts_with('0');
  return whole && plain ? std::optional(port) : std::nullopt;
}

std::optional<SocketAddress> address_of(int family, std::string_view host, std::string_view port) {
  const auto number = port_of(port);
  const auto address = number ? ip_address(host, *number) : std::nullopt;
  return address && address->family() == family ? address : std::nullopt;
}

/// @returns what stands before the next space, and takes both away.
std::string_view next_word(std::string_view& rest) {
  const std::size_t space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  return word;
}

ProxyParse parse_text(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, kMaxTextLine).find("\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() < kMaxTextLine ? ProxyParse{} : invalid("a line of more than 107 bytes");
  }
  ProxyParse parse{.state = State::complete, .size = end + 2};
  std::string_view rest = bytes.substr(kText.size(), end - kText.size());
  const std::string_view family = next_word(rest);
  if (family == "UNKNOWN") return parse;
  if (family != "TCP4" && family != "TCP6") return invalid("neither TCP4, TCP6 nor UNKNOWN");
  const int version = family == "TCP4" ? AF_INET : AF_INET6;
  const std::string_view source = next_word(rest);
  const std::string_view destination = next_word(rest);
  const std::string_view source_port = next_word(rest);
  const auto from = address_of(version, source, source_port);
  const auto to = address_of(version, destination, rest);
  if (!from || !to) return invalid("an address or a port that is none");
  parse.header.source = *from;
  parse.header.destination = *to;
  return parse;
}

// Version 2: binary.

std::uint16_t big_endian(std::string_view bytes) {
  const auto at = [&bytes](std::size_t i) { return static_cast<unsigned>(static_cast<std::uint8_t>(bytes[i])); };
  return static_cast<std::uint16_t>(at(0) << 8U | at(1));
}

/// CRC-32C, bit by bit: a header is short. Source: RFC 3309, appendix.
std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

/// @param at  where in the header its own checksum is, which counts as zero.
bool checksum_fits(std::string_view header, std::size_t at) {
  std::string copy(header);
  const auto sent =
      static_cast<std::uint32_t>(big_endian(header.substr(at))) << 16U | big_endian(header.substr(at + 2));
  copy.replace(at, 4, 4, '\0');
  return crc32c(copy) == sent;
}

/// @param at  where in the header they begin. @returns what is wrong with them, null if nothing is.
const char* read_tlvs(std::string_view header, std::size_t at, ProxyHeader& into) {
  while (at < header.size()) {
    if (header.size() - at < 3) return "a field that is cut off";
    const auto type = static_cast<std::uint8_t>(header[at]);
    const std::size_t length = big_endian(header.substr(at + 1));
    at += 3;
    if (header.size() - at < length) return "a field that is cut off";
    if (type == kCrc32c && (length != 4 || !checksum_fits(header, at))) return "a checksum that does not fit";
    if (type != kCrc32c && type != kNoop) into.tlvs.push_back({type, std::string(header.substr(at, length))});
    at += length;
  }
  return nullptr;
}

ProxyParse parse_binary(std::string_view bytes) {
  if (bytes.size() < kBinaryStart) return {};
  const auto command = static_cast<unsigned>(static_cast<std::uint8_t>(bytes[12]));
  const auto family = static_cast<unsigned>(static_cast<std::uint8_t>(bytes[13]));
  if (command != 0x20 && command != 0x21) return invalid("neither version 2 nor one of its commands");
  if ((family >> 4U) > 3 || (family & 15U) > 2) return invalid("an address family that does not exist");
  ProxyParse parse{.state = State::complete, .size = kBinaryStart + big_endian(bytes.substr(14))};
  if (parse.size > kMaxProxyHeader) return invalid("a header of more than 4096 bytes");
  if (bytes.size() < parse.size) return {};
  parse.header.version = 2;
  parse.header.local = command == 0x20;
  if (parse.header.local) return parse;  // what follows is to be skipped
  constexpr std::size_t kAddressBytes[] = {0, 12, 36, 216};
  const std::size_t address_bytes = kAddressBytes[family >> 4U];
  if (parse.size < kBinaryStart + address_bytes) return invalid("addresses that are cut off");
  const std::string_view at = bytes.substr(kBinaryStart);
  if (family >> 4U == 1) {
    parse.header.source = ip_from_bytes(AF_INET, at.data(), big_endian(at.substr(8)));
    parse.header.destination = ip_from_bytes(AF_INET, at.data() + 4, big_endian(at.substr(10)));
  } else if (family >> 4U == 2) {
    parse.header.source = ip_from_bytes(AF_INET6, at.data(), big_endian(at.substr(32)));
    parse.header.destination = ip_from_bytes(AF_INET6, at.data() + 16, big_endian(at.substr(34)));
  }
  const char* problem = read_tlvs(bytes.substr(0, parse.size), kBinaryStart + address_bytes, parse.header);
  return problem == nullptr ? std::move(parse) : invalid(problem);
}

bool may_start_with(std::string_view bytes, std::string_view signature) {
  return signature.substr(0, bytes.size()) == bytes.substr(0, signature.size());
}

}  // namespace

ProxyParse parse_proxy_header(std::string_view bytes) {
  if (may_start_with(bytes, kBinary)) return parse_binary(bytes);
  if (!may_start_with(bytes, kText)) return invalid("no PROXY header");
  return bytes.size() < kText.size() ? ProxyParse{} : parse_text(bytes);
}

}  // namespace detail

const std::string* ProxyHeader::tlv(std::uint8_t type) const noexcept {
  const auto found =
      std::find_if(tlvs.begin(), tlvs.end(), [type](const ProxyTlv& field) { return field.type == type; });
  return found == tlvs.end() ? nullptr : &found->value;
}

}  // namespace socketserver
