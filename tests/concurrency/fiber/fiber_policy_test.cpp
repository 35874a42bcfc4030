#include <atomic>
#include <filesystem>
#include <iterator>
#include <socketserver/wait/offload.hpp>
#include <socketserver/wait/sync.hpp>
#include <thread>

#include "support/catch.hpp"
#include "support/event.hpp"
#include "support/eventually.hpp"
#include "support/policies.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::Event;
using testing_support::eventually;
using testing_support::fibers;

namespace {

std::size_t running_threads() {
  const std::filesystem::directory_iterator all("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("a policy waits for its fibers when it is destroyed, also for those that offload") {
  std::atomic<int> done{0};
  {
    const auto policy = fibers(2);
    for (int i = 0; i < 20; ++i) {
      policy->submit([&done] {
        sleep_for(1ms);
        offload([&done] { ++done; });
      });
    }
  }
  CHECK(done == 20);
}

TEST_CASE("at most 64 threads block for the fibers that offload") {
  const auto policy = make_policy({.kind = PolicyKind::fiber, .threads = 1});
  const std::size_t before = running_threads();
  std::atomic<int> inside{0};
  std::atomic<bool> over{false};
  Event all_asked;
  for (int i = 0; i < 80; ++i) {
    policy->submit([&] {
      offload([&] {
        ++inside;
        while (!over) std::this_thread::yield();
      });
    });
  }
  policy->submit([&all_asked] { all_asked.set(); });  // after all the others have given up their turn
  all_asked.wait();
  const std::size_t started = running_threads() - before;
  CHECK(started == 64);
  if (started == 64) CHECK(eventually([&inside] { return inside == 64; }));
  over = true;
  policy->join();
  CHECK(inside == 80);
}
