#pragma once
// A whole server on a simulated network, in virtual time, from one seed: its accept loop, limits, timeouts and drain
// run as they are; its connections, clients, clock and threads are the simulation's. See docs/simulation.md.

#include <cstdint>
#include <functional>
#include <memory>
#include <socketserver/server/tcp_server.hpp>
#include <string>
#include <utility>
#include <vector>

namespace socketserver::testing {

/// What a client asks, in full, and what it must be answered.
struct Exchange {
  std::string request;   ///< bytes of one message
  std::string response;  ///< all that the server is to send for it
};

/// What is simulated, and what is known of it.
struct SimulationOptions {
  /// The server's, where vary_config leaves it alone. Each connection has a fiber of the simulation,
  /// with `pool` from its first byte on; the other policies are alike here.
  ServerConfig config{};
  /// Whether each seed draws its own limits and timeouts.
  bool vary_config = true;
  /// Makes one exchange from a random number, as a pure function of it.
  std::function<Exchange(std::uint64_t random)> exchange;
  /// False where what a client is sent depends on the others, or is more than its responses: then answers and the
  /// times at which connections end are not checked, all else is.
  bool answers_known = true;
  /// Whether verify_request may turn connections away; otherwise that is a failure.
  bool verifies = false;
  /// Looks at the server after its last connection. @returns what is wrong with it, or nothing.
  std::function<std::string(BaseServer& server)> check{};
};

/// How a simulation went. True if all was well.
struct SimulationReport {
  std::uint64_t seed = 0;               ///< reproduces the run
  std::vector<std::string> failures{};  ///< empty if all was well
  std::string trace{};                  ///< what happened when; the same for the same seed, byte for byte
  ServerStats stats{};                  ///< after the stop
  DrainReport drain{};                  ///< as serve_forever() returned it

  /// Whether all was well.
  explicit operator bool() const noexcept { return failures.empty(); }
  /// @returns the seed, what went wrong, and the trace.
  std::string text() const;
};

/// Makes the server. @param config  the simulation's; the server must use it unchanged.
using ServerFactory = std::function<std::unique_ptr<BaseServer>(const ServerConfig& config)>;

/// Runs one server from its start to the end of its stop, with clients that the seed makes: polite ones, some that send
/// all at once, drip, stay silent, do not read, reset the connection or come too late; accepts that fail; a stop at any
/// moment. Then it checks that accepted = closed + active, that every complete request was answered or its connection
/// was reset, that no timeout came early or late, that the drain kept its deadline and that nothing is left. Threads:
/// none; several simulations may run in parallel.
SimulationReport simulate_server(std::uint64_t seed, const SimulationOptions& options, const ServerFactory& make);

/// The same with a TCPServer of this handler, whose constructor gets the arguments; they live as long as the call.
template <typename Handler, typename... Args>
SimulationReport simulate(std::uint64_t seed, const SimulationOptions& options, Args&... args) {
  return simulate_server(seed, options, [&args...](const ServerConfig& config) {
    return std::make_unique<TCPServer<Handler>>(config, std::ref(args)...);
  });
}

/// Simulates seed after seed, `count` of them, one or more. @returns the first report that has failures, or the last.
template <typename Handler, typename... Args>
SimulationReport simulate_seeds(std::uint64_t first, std::uint64_t count, const SimulationOptions& options,
                                Args&... args) {
  for (std::uint64_t seed = first;; ++seed) {
    SimulationReport report = simulate<Handler>(seed, options, args...);
    if (!report || seed + 1 >= first + count) return report;
  }
}

}  // namespace socketserver::testing
