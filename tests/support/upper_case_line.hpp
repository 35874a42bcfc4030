#pragma once

#include <cstdint>
#include <socketserver/testing/simulate.hpp>

namespace testing_support {

/// A line of one to forty letters, and the same in upper case.
inline socketserver::testing::Exchange upper_case_line(std::uint64_t random) {
  socketserver::testing::Exchange exchange;
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

inline socketserver::testing::SimulationOptions upper_case_options() { return {.exchange = upper_case_line}; }

}  // namespace testing_support
