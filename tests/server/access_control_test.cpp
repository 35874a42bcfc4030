#include <netinet/in.h>

#include <socketserver/base/clock.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/server/access_control.hpp>
#include <string>

#include "support/catch.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using detail::Access;
using detail::AccessControl;

namespace {

SocketAddress client(const std::string& host, std::uint16_t port = 1) { return ip_address(host, port).value(); }

}  // namespace

TEST_CASE("without a list every client may connect, and none is remembered") {
  AccessControl access(AccessConfig{});
  CHECK(access.enter(client("192.0.2.1")) == Access::granted);
  access.leave(client("192.0.2.1"));
  CHECK(access.remembered() == 0);
}

TEST_CASE("a list of networks allows those in it, and one that denies wins") {
  AccessControl access({.allow = {"192.0.2.0/24", "2001:db8::/32"}, .deny = {"192.0.2.128/25"}});
  CHECK(access.enter(client("192.0.2.1")) == Access::granted);
  CHECK(access.enter(client("2001:db8::1")) == Access::granted);
  CHECK(access.enter(client("192.0.2.129")) == Access::denied);
  CHECK(access.enter(client("198.51.100.1")) == Access::denied);
  AccessControl only_deny({.deny = {"192.0.2.1"}});
  CHECK(only_deny.enter(client("192.0.2.1")) == Access::denied);
  CHECK(only_deny.enter(client("192.0.2.2")) == Access::granted);
}

TEST_CASE("a client has its number of connections and no more, from any ports") {
  AccessControl access({.max_connections_per_client = 2});
  CHECK(access.enter(client("192.0.2.1", 1)) == Access::granted);
  CHECK(access.enter(client("192.0.2.1", 2)) == Access::granted);
  CHECK(access.enter(client("192.0.2.1", 3)) == Access::too_many_connections);
  CHECK(access.enter(client("192.0.2.2")) == Access::granted);
  access.leave(client("192.0.2.1", 1));
  CHECK(access.enter(client("192.0.2.1", 4)) == Access::granted);
  CHECK(access.enter(client("192.0.2.1", 5)) == Access::too_many_connections);
}

TEST_CASE("the clients of an IPv6 network of 64 bits are one, IPv4 clients are one by one, also when mapped") {
  AccessControl access({.max_connections_per_client = 1});
  CHECK(access.enter(client("2001:db8:0:1::1")) == Access::granted);
  CHECK(access.enter(client("2001:db8:0:1:ffff::2")) == Access::too_many_connections);
  CHECK(access.enter(client("2001:db8:0:2::1")) == Access::granted);
  CHECK(access.enter(client("::ffff:192.0.2.1")) == Access::granted);
  CHECK(access.enter(client("192.0.2.1")) == Access::too_many_connections);
  CHECK(access.enter(client("::ffff:192.0.2.2")) == Access::granted);
}

TEST_CASE("a second's connections may come at once, then one for each that the rate gives back") {
  ManualClock clock;
  AccessControl access({.accepts_per_second_per_client = 4}, clock);
  const auto connect = [&access] {
    const Access answer = access.enter(client("192.0.2.1"));
    if (answer == Access::granted) access.leave(client("192.0.2.1"));
    return answer;
  };
  for (int i = 0; i < 4; ++i) CHECK(connect() == Access::granted);
  CHECK(connect() == Access::too_many_accepts);
  clock.advance(249ms);
  CHECK(connect() == Access::too_many_accepts);
  clock.advance(1ms);
  CHECK(connect() == Access::granted);
  CHECK(connect() == Access::too_many_accepts);
  clock.advance(10s);  // no more is saved up than a second's
  for (int i = 0; i < 4; ++i) CHECK(connect() == Access::granted);
  CHECK(connect() == Access::too_many_accepts);
}

TEST_CASE("a client is forgotten when it no longer matters, and in any case when there are too many") {
  ManualClock clock;
  AccessControl access({.accepts_per_second_per_client = 1}, clock);
  const auto connect = [&access](std::size_t number) {
    const SocketAddress from = client(concat("10.", number / 65536, ".", number / 256 % 256, ".", number % 256));
    const Access answer = access.enter(from);
    if (answer == Access::granted) access.leave(from);
    return answer;
  };
  for (std::size_t i = 0; i <= AccessControl::kMaxIdle; ++i) CHECK(connect(i) == Access::granted);
  CHECK(access.remembered() == AccessControl::kMaxIdle);
  CHECK(connect(AccessControl::kMaxIdle) == Access::too_many_accepts);
  CHECK(connect(0) == Access::granted);  // forgotten: the longest idle
  clock.advance(1s);
  CHECK(connect(AccessControl::kMaxIdle + 1) == Access::granted);
  CHECK(access.remembered() == 1);
}

TEST_CASE("a client with connections is not forgotten") {
  ManualClock clock;
  AccessControl access({.max_connections_per_client = 1}, clock);
  CHECK(access.enter(client("192.0.2.1")) == Access::granted);
  CHECK(access.enter(client("192.0.2.2")) == Access::granted);
  clock.advance(1h);
  access.leave(client("192.0.2.2"));
  CHECK(access.remembered() <= 2);
  CHECK(access.enter(client("192.0.2.1")) == Access::too_many_connections);
}
