#pragma once
// Policies for tests that submit jobs themselves.

#include <cstddef>
#include <memory>
#include <socketserver/concurrency/policy.hpp>

namespace testing_support {

/// @returns one whose queue takes every job of a test.
inline std::unique_ptr<socketserver::Policy> unbounded(socketserver::PolicyKind kind, std::size_t threads = 2) {
  return socketserver::make_policy({.kind = kind, .threads = threads, .queue = 1000});
}

inline std::unique_ptr<socketserver::Policy> fibers(std::size_t loops = 1, socketserver::Logger* log = nullptr) {
  return socketserver::make_policy({.kind = socketserver::PolicyKind::fiber, .threads = loops, .log = log});
}

}  // namespace testing_support
