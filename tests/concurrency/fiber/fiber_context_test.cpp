// What a fiber keeps across its waits.

#include <atomic>
#include <exception>
#include <socketserver/wait/sync.hpp>
#include <stdexcept>
#include <string>

#include "support/catch.hpp"
#include "support/event.hpp"
#include "support/policies.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::Event;
using testing_support::fibers;

namespace {

/// Waits in its destructor, which may run while an exception passes.
struct WaitsAtTheEnd {
  ~WaitsAtTheEnd() { sleep_for(1ms); }
};

}  // namespace

TEST_CASE("a wait inside a catch block leaves each fiber its own exception") {
  const auto policy = fibers();
  std::atomic<int> right{0};
  for (int i = 0; i < 20; ++i) {
    policy->submit([&right, i] {
      for (int round = 0; round < 10; ++round) {
        const std::string mine = std::to_string(i) + "/" + std::to_string(round);
        try {
          const WaitsAtTheEnd waits;  // suspended while the exception is in flight
          throw std::runtime_error(mine);
        } catch (const std::runtime_error&) {
          sleep_for(std::chrono::microseconds(100 * ((i + round) % 3)));
          try {
            throw;  // the one that this fiber handles
          } catch (const std::runtime_error& again) {
            if (again.what() == mine && std::uncaught_exceptions() == 0) ++right;
          }
        }
        if (std::current_exception() == nullptr) ++right;
      }
    });
  }
  policy->join();
  CHECK(right == 20 * 10 * 2);
}

TEST_CASE("uncaught_exceptions counts a fiber's own") {
  const auto policy = fibers();
  int inside = -1;
  int outside = -1;
  Event unwinding;
  Event counted;
  struct Counts {
    int& count;
    Event& begun;
    Event& resume;
    ~Counts() {
      begun.set();
      resume.wait();  // the other fiber runs now
      count = std::uncaught_exceptions();
    }
  };
  policy->submit([&] {
    try {
      const Counts counts{inside, unwinding, counted};
      throw 1;
    } catch (int) {
    }
  });
  policy->submit([&] {
    unwinding.wait();
    outside = std::uncaught_exceptions();
    counted.set();
  });
  policy->join();
  CHECK(inside == 1);
  CHECK(outside == 0);
}
