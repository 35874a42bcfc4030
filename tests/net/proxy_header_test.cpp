#include <socketserver/net/proxy_header.hpp>
#include <socketserver/testing/proxy_header.hpp>
#include <string>

#include "support/catch.hpp"

using namespace socketserver;
using detail::parse_proxy_header;
using detail::ProxyParse;
using testing::proxy_v1;
using testing::proxy_v2;

namespace {

const std::string kV2 = std::string("\r\n\r\n\0\r\nQUIT\n", 12);

std::string v2(unsigned command, unsigned family, const std::string& rest) {
  return kV2 + static_cast<char>(command) + static_cast<char>(family) + static_cast<char>(rest.size() >> 8U) +
         static_cast<char>(rest.size()) + rest;
}

ProxyHeader complete(const std::string& header) {
  for (std::size_t cut = 0; cut < header.size(); ++cut) {
    CHECK(parse_proxy_header(header.substr(0, cut)).state == ProxyParse::State::incomplete);
  }
  const ProxyParse parse = parse_proxy_header(header + "the client's bytes\r\n");
  REQUIRE(parse.state == ProxyParse::State::complete);
  CHECK(parse.size == header.size());
  return parse.header;
}

std::string problem(const std::string& bytes) {
  const ProxyParse parse = parse_proxy_header(bytes);
  CHECK(parse.state == ProxyParse::State::invalid);
  return parse.problem;
}

}  // namespace

TEST_CASE("a line of version 1 names client and destination") {
  const ProxyHeader v4 = complete(proxy_v1("203.0.113.7", 56324, "198.51.100.1", 443));
  CHECK(v4.version == 1);
  CHECK(v4.source.to_string() == "203.0.113.7:56324");
  CHECK(v4.destination.to_string() == "198.51.100.1:443");
  const ProxyHeader v6 = complete(proxy_v1("2001:db8::7", 1, "2001:db8::1", 0));
  CHECK(v6.source.to_string() == "[2001:db8::7]:1");
  CHECK(v6.destination.to_string() == "[2001:db8::1]:0");
}

TEST_CASE("a line of version 1 may name no client") {
  CHECK(complete("PROXY UNKNOWN\r\n").source.family() == AF_UNSPEC);
  const std::string longest = "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535";
  CHECK(complete(longest + "\r\n").source.family() == AF_UNSPEC);
}

TEST_CASE("a header of version 2 names client and destination") {
  const ProxyHeader v4 = complete(proxy_v2("203.0.113.7", 56324, "198.51.100.1", 443));
  CHECK(v4.version == 2);
  CHECK_FALSE(v4.local);
  CHECK(v4.source.to_string() == "203.0.113.7:56324");
  CHECK(v4.destination.to_string() == "198.51.100.1:443");
  const ProxyHeader v6 = complete(proxy_v2("2001:db8::7", 258, "2001:db8::1", 65535));
  CHECK(v6.source.to_string() == "[2001:db8::7]:258");
  CHECK(v6.destination.to_string() == "[2001:db8::1]:65535");
}

TEST_CASE("a header of version 2 may name no client: LOCAL, no family, a Unix socket") {
  CHECK(complete(testing::proxy_v2_local()).local);
  CHECK(complete(v2(0x20, 0x11, "to be skipped")).local);
  CHECK(complete(v2(0x21, 0, "")).source.family() == AF_UNSPEC);
  CHECK(complete(v2(0x21, 0x31, std::string(216, 'p'))).source.family() == AF_UNSPEC);
}

TEST_CASE("the fields of a version 2 header are kept, padding is not") {
  const ProxyHeader header = complete(proxy_v2(
      "192.0.2.1", 1, "192.0.2.2", 2, {{0x02, "example.org"}, {0x04, "padding"}, {0xe0, std::string(300, 'x')}}));
  REQUIRE(header.tlvs.size() == 2);
  REQUIRE(header.tlv(0x02) != nullptr);
  CHECK(*header.tlv(0x02) == "example.org");
  CHECK(header.tlv(0xe0)->size() == 300);
  CHECK(header.tlv(0x01) == nullptr);
}

TEST_CASE("a checksum is verified") {
  // CRC-32C over the whole header with the field's value zero.
  std::string header = proxy_v2("127.0.0.1", 1, "127.0.0.1", 2, {{0x03, std::string(4, '\0')}});
  CHECK(problem(header) == "a checksum that does not fit");
  header.replace(header.size() - 4, 4, std::string("\xe9\x16\x6d\x07", 4));
  CHECK(complete(header).tlvs.empty());
  header[20] ^= 1;
  CHECK(problem(header) == "a checksum that does not fit");
}

TEST_CASE("what is no header of either version is invalid at once") {
  CHECK(problem("G") == "no PROXY header");
  CHECK(problem("PROXYTCP4") == "no PROXY header");
  CHECK(problem("\r\n\r\n\r") == "no PROXY header");
  CHECK(problem("PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n") == "neither TCP4, TCP6 nor UNKNOWN");
  CHECK(problem("PROXY " + std::string(200, 'x')) == "a line of more than 107 bytes");
  const std::string bad = "an address or a port that is none";
  CHECK(problem("PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n") == bad);
  CHECK(problem("PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n") == bad);
  CHECK(problem("PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n") == bad);
  CHECK(problem("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n") == bad);
  CHECK(problem("PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n") == bad);
  CHECK(problem("PROXY TCP4 ::1 ::2 1 2\r\n") == bad);
  CHECK(problem("PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n") == bad);
  CHECK(problem(kV2 + std::string("\x11\x11\0\0", 4)) == "neither version 2 nor one of its commands");
  CHECK(problem(v2(0x22, 0x11, "")) == "neither version 2 nor one of its commands");
  CHECK(problem(v2(0x21, 0x41, "")) == "an address family that does not exist");
  CHECK(problem(v2(0x21, 0x13, "")) == "an address family that does not exist");
  CHECK(problem(v2(0x21, 0x11, "short")) == "addresses that are cut off");
  CHECK(problem(v2(0x21, 0x11, std::string(12, 'a') + "\x01")) == "a field that is cut off");
  CHECK(problem(v2(0x21, 0x11, std::string(12, 'a') + std::string("\x01\0\x05", 3) + "four")) ==
        "a field that is cut off");
  CHECK(problem(kV2 + "\x21\x11\xff\xff") == "a header of more than 4096 bytes");
}
