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
}
