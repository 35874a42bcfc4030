#pragma once
// The counters of a server all of whose connections have ended.

#include <cstdint>
#include <socketserver/server/base_server.hpp>

#include "support/catch.hpp"
#include "support/eventually.hpp"

namespace testing_support {

/// Waits until the server has accepted that number of connections and each has ended, and checks that each was counted
/// once.
inline socketserver::ServerStats ended(socketserver::BaseServer& server, std::uint64_t accepted) {
  REQUIRE(eventually([&] { return server.stats().accepted == accepted && server.stats().active == 0; }));
  const socketserver::ServerStats stats = server.stats();
  CHECK(stats.accepted == stats.served + stats.rejected + stats.timed_out + stats.failed);
  return stats;
}

}  // namespace testing_support
