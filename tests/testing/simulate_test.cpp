// Servers in virtual time, under many seeds.

#include <chrono>
#include <set>
#include <socketserver/base/sanitizers.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/testing/simulate.hpp>
#include <socketserver/wait/sync.hpp>
#include <stdexcept>

#include "support/catch.hpp"
#include "support/upper_case_line.hpp"

using namespace socketserver;
using testing::simulate;
using testing::simulate_seeds;
using testing::SimulationOptions;
using testing::SimulationReport;
using testing_support::upper_case_options;

#ifdef SOCKETSERVER_ASAN
constexpr std::uint64_t kSeeds = 1000;  // many times as slow
#else
constexpr std::uint64_t kSeeds = 5000;
#endif

TEST_CASE("thousands of simulated servers answer, time out and drain as they promise") {
  const SimulationReport report = simulate_seeds<UpperCaseHandler>(1, kSeeds, upper_case_options());
  INFO(report.text());
  CHECK(report);
}

TEST_CASE("simulated servers of a pool, where connections wait without a worker, keep their promises, too") {
  SimulationOptions options = upper_case_options();
  options.config.concurrency.policy = PolicyKind::pool;
  const SimulationReport report = simulate_seeds<UpperCaseHandler>(1, kSeeds, options);
  INFO(report.text());
  CHECK(report);
}

TEST_CASE("a seed makes the same trace again") {
  const std::string trace = simulate<UpperCaseHandler>(42, upper_case_options()).trace;
  CHECK_FALSE(trace.empty());
  CHECK(simulate<UpperCaseHandler>(42, upper_case_options()).trace == trace);
  CHECK(simulate<UpperCaseHandler>(43, upper_case_options()).trace != trace);
}

TEST_CASE("the trace of a seed does not depend on the compiler") {
  // FNV-1a of a hundred traces. After a change to the trace or to the order of random numbers, replace the constant.
  std::uint64_t hash = 14695981039346656037U;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    for (const char c : simulate<UpperCaseHandler>(seed, upper_case_options()).trace) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    }
  }
  CHECK(hash == 0xdde259ed34929528U);
}

namespace {

/// Notes which listener its client came by.
class ListenerHandler : public UpperCaseHandler {
 public:
  explicit ListenerHandler(std::set<std::size_t>& seen) : seen_(seen) {}

 protected:
  void setup() override { seen_.insert(connection().listener()); }

 private:
  std::set<std::size_t>& seen_;
};

}  // namespace

TEST_CASE("a simulated server with several listeners serves the clients of each, and keeps its promises") {
  SimulationOptions options = upper_case_options();
  options.config.listen.resize(3);
  std::set<std::size_t> seen;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    CHECK(simulate<ListenerHandler>(seed, options, seen).failures.empty());
  }
  CHECK(seen == std::set<std::size_t>{0, 1, 2});
}

namespace {

/// Stops its server at each line.
class StoppingHandler : public StreamRequestHandler {
 protected:
  void handle() override {
    while (const auto line = rfile().readline()) {
      server().request_stop();
      wfile() << upper(*line);
    }
  }
};

/// Waits between its reads for something that is not the client.
class PausingHandler : public StreamRequestHandler {
 protected:
  void handle() override {
    sleep_for(std::chrono::milliseconds(10));
    while (const auto line = rfile().readline()) {
      wfile() << upper(*line);
      wfile().flush();
      sleep_for(std::chrono::milliseconds(10));
    }
  }
};

}  // namespace

TEST_CASE("a handler may stop its simulated server") {
  const SimulationReport report = simulate_seeds<StoppingHandler>(1, 200, upper_case_options());
  INFO(report.text());
  CHECK(report);
}

TEST_CASE("a handler that waits for something else is no mistake") {
  SimulationOptions options = upper_case_options();
  options.config.timeouts.drain = std::nullopt;
  options.vary_config = false;
  const SimulationReport report = simulate_seeds<PausingHandler>(1, 200, options);
  INFO(report.text());
  CHECK(report);
}

TEST_CASE("an exception from a check reaches the caller") {
  SimulationOptions options = upper_case_options();
  options.check = [](BaseServer&) -> std::string { throw std::runtime_error("of its own"); };
  CHECK_THROWS_WITH(simulate<UpperCaseHandler>(1, options), "of its own");
  options.exchange = nullptr;
  CHECK_THROWS_AS(simulate<UpperCaseHandler>(1, options), std::invalid_argument);
}
