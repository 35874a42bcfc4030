#pragma once
// For what no event announces.

#include <chrono>
#include <thread>

namespace testing_support {

/// Looks until the predicate holds or ten seconds are over, for what no event announces.
template <typename Predicate>
bool eventually(Predicate predicate) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    if (predicate()) return true;
    std::this_thread::yield();
  }
  return predicate();
}

}  // namespace testing_support
