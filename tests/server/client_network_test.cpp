#include <socketserver/net/address.hpp>
#include <socketserver/server/client_network.hpp>

#include "support/catch.hpp"

using namespace socketserver;

TEST_CASE("a client is an IPv4 address, mapped or not, or an IPv6 network of 64 bits") {
  const auto client = [](const char* host) { return detail::client_network(resolve_listen(host, 1).at(0)); };
  CHECK(client("192.0.2.1") == client("::ffff:192.0.2.1"));
  CHECK(client("192.0.2.1") != client("192.0.2.2"));
  CHECK(client("::ffff:192.0.2.1") != client("::ffff:192.0.2.2"));
  CHECK(client("2001:db8:1:2::1") == client("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  CHECK(client("2001:db8:1:2::1") != client("2001:db8:1:3::1"));
  CHECK(client("::1") != client("192.0.2.1"));
}
