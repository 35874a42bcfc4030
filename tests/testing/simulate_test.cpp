// A whole server in virtual time: our own under many seeds, and servers and handlers with bugs that must be found.

#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/testing/simulate.hpp>

#include "support/catch.hpp"

using namespace socketserver;
using testing::Exchange;
using testing::simulate;
using testing::simulate_seeds;
using testing::SimulationOptions;
using testing::SimulationReport;

namespace {

/// A line of one to forty letters, and the same in upper case.
Exchange upper_case_line(std::uint64_t random) {
  Exchange exchange;
  for (std::uint64_t left = 1 + random % 40; left > 0; --left) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    const auto letter = static_cast<int>((random >> 33U) % 26);
    exchange.request += static_cast<char>('a' + letter);
    exchange.response += static_cast<char>('A' + letter);
  }
  exchange.request += '\n';
  exchange.response += '\n';
  return exchange;
}

SimulationOptions upper_case_options() { return {.exchange = upper_case_line}; }

}  // namespace

TEST_CASE("ten thousand simulated servers answer, time out and drain as they promise") {
  const SimulationReport report = simulate_seeds<UpperCaseHandler>(1, 10000, upper_case_options());
  INFO(report.text());
  CHECK(report);
}

TEST_CASE("a seed makes the same trace again") {
  const std::string trace = simulate<UpperCaseHandler>(42, upper_case_options()).trace;
  CHECK_FALSE(trace.empty());
  CHECK(simulate<UpperCaseHandler>(42, upper_case_options()).trace == trace);
  CHECK(simulate<UpperCaseHandler>(43, upper_case_options()).trace != trace);
}
