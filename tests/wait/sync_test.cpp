// Mutex, ConditionVariable and sleep_for: the same under every policy.

#include <algorithm>
#include <atomic>
#include <mutex>
#include <socketserver/wait/sync.hpp>

#include "support/catch.hpp"
#include "support/eventually.hpp"
#include "support/policies.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::fibers;
using testing_support::unbounded;

TEST_CASE("a mutex held across a wait keeps others out, on threads and on fibers") {
  const auto kind = GENERATE(PolicyKind::thread, PolicyKind::fiber);
  const auto policy = unbounded(kind);
  Mutex mutex;
  int inside = 0;
  int most_inside = 0;
  int runs = 0;
  for (int i = 0; i < 40; ++i) {
    policy->submit([&] {
      const std::lock_guard lock(mutex);
      most_inside = std::max(most_inside, ++inside);
      sleep_for(1ms);
      --inside;
      ++runs;
    });
  }
  policy->join();
  CHECK(most_inside == 1);
  CHECK(runs == 40);
}

TEST_CASE("a fiber that waits for a mutex lets its loop run the others") {
  const auto policy = unbounded(PolicyKind::fiber, 1);
  Mutex mutex;
  std::atomic<bool> other_ran{false};
  std::unique_lock held(mutex);  // by this thread
  policy->submit([&mutex] { const std::lock_guard lock(mutex); });
  policy->submit([&other_ran] { other_ran = true; });
  CHECK(eventually([&other_ran] { return other_ran.load(); }));
  CHECK_FALSE(mutex.try_lock());
  held.unlock();
  policy->join();
  CHECK(mutex.try_lock());
  mutex.unlock();
}

TEST_CASE("a mutex goes to the longest waiter, not back to the fiber that released it") {
  const auto policy = fibers();
  Mutex mutex;
  int rounds = 0;
  int rounds_waited = -1;
  policy->submit([&] {
    for (; rounds_waited < 0 && rounds < 100000; ++rounds) {
      const std::lock_guard lock(mutex);
      sleep_for(10us);
    }
  });
  policy->submit([&] {
    const int before = rounds;
    const std::lock_guard lock(mutex);
    rounds_waited = rounds - before;
  });
  policy->join();
  CHECK(rounds_waited >= 0);
  CHECK(rounds_waited <= 2);
}

TEST_CASE("a condition variable passes a token round, among threads, fibers of several loops and this thread") {
  const auto kind = GENERATE(PolicyKind::thread, PolicyKind::fiber);
  constexpr int kPlayers = 5;
  constexpr int kRounds = 100;
  const auto policy = unbounded(kind, 2);
  Mutex mutex;
  ConditionVariable changed;
  int next = 0;
  const auto play = [&](int me) {
    for (int round = 0; round < kRounds; ++round) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return next % kPlayers == me; });
      ++next;
      changed.notify_all();
    }
  };
  for (int i = 1; i < kPlayers; ++i) policy->submit([&play, i] { play(i); });
  play(0);
  policy->join();
  CHECK(next == kPlayers * kRounds);
}

TEST_CASE("a wait with a deadline ends at it, and its waiter is forgotten") {
  const auto kind = GENERATE(PolicyKind::inline_, PolicyKind::thread, PolicyKind::fiber);
  const auto policy = unbounded(kind);
  bool notified = true;
  bool held = true;
  policy->submit([&] {
    Mutex mutex;
    ConditionVariable changed;
    std::unique_lock lock(mutex);
    notified = changed.wait_until(lock, Deadline::after(5ms));
    held = changed.wait_for(lock, 5ms, [] { return false; });
    changed.notify_all();
  });
  policy->join();
  CHECK_FALSE(notified);
  CHECK_FALSE(held);
}

TEST_CASE("each notification wakes one waiter, which nothing else would wake") {
  const auto policy = unbounded(GENERATE(PolicyKind::thread, PolicyKind::fiber));
  constexpr int kWaiters = 8;
  Mutex mutex;
  ConditionVariable changed;
  int waiting = 0;  // guarded by mutex, as are the next two
  int tokens = 0;
  bool over = false;
  std::atomic<int> taken{0};
  for (int i = 0; i < kWaiters; ++i) {
    policy->submit([&] {
      std::unique_lock lock(mutex);
      ++waiting;
      changed.wait(lock, [&] { return tokens > 0 || over; });
      if (tokens == 0) return;
      --tokens;
      ++taken;
    });
  }
  CHECK(eventually([&] {
    const std::lock_guard lock(mutex);
    return waiting == kWaiters;
  }));
  bool woken = true;
  for (int i = 1; i <= kWaiters && woken; ++i) {
    {
      const std::lock_guard lock(mutex);
      ++tokens;
      changed.notify_one();
    }
    woken = eventually([&taken, i] { return taken == i; });
  }
  CHECK(woken);
  {
    const std::lock_guard lock(mutex);
    over = true;
    changed.notify_all();
  }
  policy->join();
}

TEST_CASE("sleeping fibers share their loop: a hundred take the time of one") {
  const auto policy = unbounded(PolicyKind::fiber, 1);
  const TimePoint begun = steady_clock().now();
  std::atomic<int> least_ms{1000};
  for (int i = 0; i < 100; ++i) {
    policy->submit([&least_ms] {
      const TimePoint before = steady_clock().now();
      sleep_for(50ms);
      const auto slept = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock().now() - before).count();
      least_ms = std::min(least_ms.load(), static_cast<int>(slept));
    });
  }
  policy->join();
  CHECK(least_ms >= 50);
  CHECK(steady_clock().now() - begun < 100 * 50ms);  // in turn it would be that at least
}
