#include <netinet/in.h>

#include <cstring>
#include <socketserver/net/address.hpp>
#include <system_error>

#include "support/catch.hpp"

using namespace socketserver;

TEST_CASE("numeric addresses resolve to themselves") {
  CHECK(resolve_listen("127.0.0.1", 80).at(0).to_string() == "127.0.0.1:80");
  CHECK(resolve_listen("::1", 80).at(0).to_string() == "[::1]:80");
}

TEST_CASE("no host is any address, IPv6 first since it takes both") {
  const auto addresses = resolve_listen("", 0);
  REQUIRE(addresses.size() == 2);
  CHECK(addresses[0].family() == AF_INET6);
  CHECK(addresses[1].host() == "0.0.0.0");
}

TEST_CASE("localhost gives an IPv4 address first") {
  CHECK(resolve_listen("localhost", 1).at(0).host() == "127.0.0.1");
}

TEST_CASE("a name without an address is an error that names it") {
  try {
    (void)resolve_listen("no.such.host.invalid", 1);
    FAIL("no exception");
  } catch (const std::system_error& error) {
    CHECK(std::string(error.what()).find("no.such.host.invalid") != std::string::npos);
  }
}

TEST_CASE("an IPv4 address mapped into IPv6 is shown as what it is") {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = htons(7);
  const unsigned char bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3};
  std::memcpy(&mapped.sin6_addr, bytes, sizeof bytes);
  const SocketAddress address(reinterpret_cast<const sockaddr*>(&mapped), sizeof mapped);
  CHECK(address.to_string() == "10.1.2.3:7");
}

TEST_CASE("no address says so") { CHECK(SocketAddress{}.to_string() == "(none)"); }
