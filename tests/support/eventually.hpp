#pragma once
// For what no event announces.

#include <chrono>
#include <thread>

namespace testing_support {

/// Looks every fraction of a millisecond until the predicate holds or ten seconds are over.
template <typename Predicate>
bool eventually(Predicate predicate) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    if (predicate()) return true;
    std::this_thread::sleep_for(std::chrono::microseconds(200));  // between looks: the threads looked at need the core
  }
  return predicate();
}

}  // namespace testing_support
