#include <arpa/inet.h>
#include <netinet/in.h>

#include <sys/un.h>
#include <socketserver/net/ip_network.hpp>
#include <stdexcept>

#include "support/catch.hpp"

using namespace socketserver;

namespace {

SocketAddress address(const char* text) { return ip_address(text, 1).value(); }

bool in(const char* network, const char* text) { return IpNetwork(network).contains(address(text)); }

}  // namespace

TEST_CASE("a network has the addresses that share its prefix") {
  CHECK(in("10.0.0.0/8", "10.255.1.2"));
  CHECK_FALSE(in("10.0.0.0/8", "11.0.0.0"));
  CHECK(in("10.32.0.0/11", "10.63.255.255"));
  CHECK_FALSE(in("10.32.0.0/11", "10.64.0.0"));
  CHECK(in("127.0.0.1", "127.0.0.1"));
  CHECK_FALSE(in("127.0.0.1", "127.0.0.2"));
  CHECK(in("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  CHECK(in("::1", "::1"));
}

TEST_CASE("an IPv4 address is in IPv4 networks, also as a dual-stack socket shows it") {
  CHECK(in("10.0.0.0/8", "::ffff:10.1.2.3"));
  CHECK(in("::ffff:10.0.0.0/104", "10.1.2.3"));
  CHECK(in("0.0.0.0/0", "::ffff:10.1.2.3"));
  CHECK_FALSE(in("0.0.0.0/0", "2001:db8::1"));
  CHECK_FALSE(in("::/0", "10.1.2.3"));
  CHECK(in("::/0", "2001:db8::1"));
}

TEST_CASE("Unix sockets are in the network \"unix\" and in no other") {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  const SocketAddress client(reinterpret_cast<sockaddr*>(&un), sizeof un.sun_family);
  CHECK(IpNetwork("unix").contains(client));
  CHECK_FALSE(IpNetwork("unix").contains(address("127.0.0.1")));
  CHECK_FALSE(IpNetwork("0.0.0.0/0").contains(client));
  CHECK_FALSE(IpNetwork("::/0").contains(client));
  CHECK_FALSE(IpNetwork("::/0").contains(SocketAddress()));
}

TEST_CASE("what is no network is refused with its text") {
  const auto text = GENERATE("", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ", "::/129",
                             "localhost", "10.0.0.1/8", "2001:db8::1/64", "010.0.0.0/8", "fe80::1%lo", "/8");
  CHECK_THROWS_AS(IpNetwork(text), std::invalid_argument);
  CHECK_THROWS_WITH(IpNetwork(text), Catch::Matchers::StartsWith('"' + std::string(text) + '"'));
}
