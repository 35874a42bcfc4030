#include <atomic>
#include <memory>
#include <socketserver/wait/offload.hpp>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/policies.hpp"

using namespace socketserver;
using testing_support::unbounded;

TEST_CASE("offload returns, throws, and keeps a fiber's loop free") {
  const auto kind = GENERATE(PolicyKind::inline_, PolicyKind::thread, PolicyKind::pool, PolicyKind::fiber);
  const auto policy = unbounded(kind, 1);
  int result = 0;
  std::string what;
  std::thread::id here;
  std::thread::id there;
  policy->submit([&] {
    here = std::this_thread::get_id();
    result = offload([&there] {
               there = std::this_thread::get_id();
               return std::make_unique<int>(42);  // what can only be moved
             })
                 .
                 operator*();
    try {
      offload([] { throw std::runtime_error("from there"); });
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
  });
  policy->join();
  CHECK(result == 42);
  CHECK(what == "from there");
  CHECK((here == there) == (kind != PolicyKind::fiber));
}

TEST_CASE("offloaded work that blocks does not hold up the loop's other fibers") {
  const auto policy = unbounded(PolicyKind::fiber, 1);
  std::atomic<bool> released{false};
  std::atomic<int> done{0};
  for (int i = 0; i < 10; ++i) {
    policy->submit([&] {
      offload([&released] {
        while (!released) std::this_thread::yield();
      });
      ++done;
    });
  }
  policy->submit([&released] { released = true; });  // runs only if the loop is free
  policy->join();
  CHECK(done == 10);
}
