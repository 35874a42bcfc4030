#pragma once
// What a simulation requires of a server, as the network saw it.

#include <functional>
#include <optional>
#include <socketserver/server/base_server.hpp>
#include <socketserver/testing/simulation/simulated_network.hpp>
#include <string>

namespace socketserver::testing::detail {

/// A run that is over.
struct SimulatedRun {
  const SimulatedNetwork& network;
  const ServerConfig& config;
  std::optional<TimePoint> stopped_at{};  // when it was asked to stop
  TimePoint ended_at{};
  ServerStats stats{};
  DrainReport drain{};
  bool verifies = false;      // the server turns connections away although there is room
  bool errors_leave = false;  // a timeout that a handler meets leaves it
};

/// Calls `fail` with each thing that is wrong: counters, limits, rejections, accepts that come late, write timeouts,
/// lifetimes, and the drain.
void check_run(const SimulatedRun& run, const std::function<void(std::string)>& fail);

/// Whether the connection was closed where it was accepted, unread.
bool turned_away(const Link& link) noexcept;

}  // namespace socketserver::testing::detail
