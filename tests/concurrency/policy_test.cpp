#include <atomic>
#include <filesystem>
#include <future>
#include <set>
#include <socketserver/concurrency/policy.hpp>
#include <stdexcept>
#include <thread>

#include "support/catch.hpp"
#include "support/eventually.hpp"

using namespace socketserver;
using testing_support::eventually;

namespace {

std::size_t threads_of_this_process() {
  const std::filesystem::directory_iterator all("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::unique_ptr<Policy> make(PolicyKind kind, std::size_t threads = 4, std::size_t queue = 64) {
  return make_policy({.kind = kind, .threads = threads, .queue = queue});
}

}  // namespace

TEST_CASE("every policy runs each job once, and join waits for all, again and again") {
  const auto kind = GENERATE(PolicyKind::inline_, PolicyKind::thread, PolicyKind::pool, PolicyKind::fiber);
  const auto policy = make(kind);
  std::atomic<int> ran{0};
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 50; ++i) policy->submit([&ran] { ++ran; });
    policy->join();
    CHECK(ran == 50 * round);
    CHECK(policy->queued() == 0);
  }
}

TEST_CASE("a policy releases a job's belongings before join returns") {
  const auto kind = GENERATE(PolicyKind::inline_, PolicyKind::thread, PolicyKind::pool, PolicyKind::fiber);
  const auto policy = make(kind);
  auto owned = std::make_shared<int>(1);
  policy->submit([owned] {});
  policy->join();
  CHECK(owned.use_count() == 1);
}

TEST_CASE("inline runs on the submitting thread, before submit returns") {
  const auto policy = make(PolicyKind::inline_);
  std::thread::id where;
  policy->submit([&where] { where = std::this_thread::get_id(); });
  CHECK(where == std::this_thread::get_id());
}

TEST_CASE("thread runs as many jobs at once as there are") {
  const auto policy = make(PolicyKind::thread);
  constexpr int kJobs = 20;
  std::atomic<int> arrived{0};
  for (int i = 0; i < kJobs; ++i) {
    policy->submit([&arrived] {
      ++arrived;
      while (arrived < kJobs) std::this_thread::yield();  // ends only if all run at the same time
    });
  }
  policy->join();
  CHECK(arrived == kJobs);
}

TEST_CASE("finished threads are reaped: after 10 jobs in turn fewer than 10 are kept") {
  std::thread([] {}).join();  // a sanitizer starts a thread of its own with the first
  const auto policy = make(PolicyKind::thread);
  const std::size_t before = threads_of_this_process();
  for (int i = 0; i < 10; ++i) {
    std::promise<void> done;
    policy->submit([&done] { done.set_value(); });
    done.get_future().wait();
  }
  // A thread that is joined is seen in /proc a moment longer, here as below.
  CHECK(eventually([&] { return threads_of_this_process() < before + 10; }));
  policy->join();
  CHECK(eventually([&] { return threads_of_this_process() <= before; }));
}

TEST_CASE("a pool runs as many jobs at once as it has workers, and queues the others") {
  const auto policy = make(PolicyKind::pool, 2, 3);
  CHECK(policy->capacity() == 5);
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  std::atomic<int> started{0};
  for (int i = 0; i < 5; ++i) {
    policy->submit([gate, &started] {
      ++started;
      gate.wait();
    });
  }
  while (started < 2) std::this_thread::yield();
  CHECK(policy->queued() == 3);
  go.set_value();
  policy->join();
  CHECK(started == 5);
}

TEST_CASE("policies have names") {
  CHECK(to_string(PolicyKind::inline_) == "inline");
  CHECK(to_string(PolicyKind::pool) == "pool");
  CHECK(to_string(PolicyKind::fiber) == "fiber");
}
