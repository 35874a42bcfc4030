#include <fstream>
#include <socketserver/net/kernel_limits.hpp>

#include "support/catch.hpp"

TEST_CASE("the kernel's limits are those in /proc") {
  const socketserver::KernelLimits limits = socketserver::kernel_limits();
  std::int64_t somaxconn = -1;
  std::ifstream("/proc/sys/net/core/somaxconn") >> somaxconn;
  CHECK(limits.somaxconn == somaxconn);
  REQUIRE(limits.tcp_rmem);
  CHECK((*limits.tcp_rmem)[0] <= (*limits.tcp_rmem)[2]);
  CHECK(limits.descriptors.value_or(1) > 0);
  CHECK(limits.max_map_count.value_or(0) > 1000);
}

TEST_CASE("connecting is given up at the kernel's tick, by the number of retries") {
  const auto seconds = [](std::int64_t retries, std::int64_t linear) {
    return socketserver::connect_timeout(retries, linear).count();
  };
  // Measured on Linux 6.18 with linear timeouts (3.1, 7.1, 19.4, 35.5, 134.6 s) and without (15.3, 31.4, 130.4 s).
  CHECK(seconds(1, 4) == 3);
  CHECK(seconds(2, 4) == 7);
  CHECK(seconds(3, 4) == 19);
  CHECK(seconds(4, 4) == 35);
  CHECK(seconds(6, 4) == 131);
  CHECK(seconds(3, 0) == 15);
  CHECK(seconds(4, 0) == 31);
  CHECK(seconds(6, 0) == 127);
  CHECK(seconds(0, 0) == 1);
  CHECK(seconds(127, 4) > 120 * 100);
}

TEST_CASE("a handshake that a client has begun is given up after intervals that double up to two minutes") {
  CHECK(socketserver::handshake_timeout(5).count() == 63);
  CHECK(socketserver::handshake_timeout(0).count() == 1);
  CHECK(socketserver::handshake_timeout(7).count() == 127 + 120);
}
