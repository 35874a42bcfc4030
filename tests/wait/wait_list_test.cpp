#include <atomic>
#include <mutex>
#include <socketserver/wait/detail/wait_list.hpp>

#include "support/catch.hpp"
#include "support/eventually.hpp"
#include "support/policies.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::unbounded;

TEST_CASE("where a deadline and a notification meet, the waiter knows that it was notified") {
  const auto policy = unbounded(GENERATE(PolicyKind::thread, PolicyKind::fiber));
  std::mutex mutex;
  detail::WaitList waiters;  // guarded by mutex, as are the next two
  int told = 0;              // notifications that found a waiter
  bool over = false;
  std::atomic<int> knew{0};  // waits that say so
  for (int i = 0; i < 8; ++i) {
    policy->submit([&] {
      std::unique_lock lock(mutex);
      while (!over) {
        if (waiters.wait(lock, Deadline::after(50us))) ++knew;
      }
    });
  }
  const auto tell = [&] {
    const std::lock_guard lock(mutex);
    told += waiters.notify_one() ? 1 : 0;
    over = told == 2000;
    return over;
  };
  for (const TimePoint end = steady_clock().now() + 10s; !tell() && steady_clock().now() < end;) continue;
  CHECK(told == 2000);
  {
    const std::lock_guard lock(mutex);
    over = true;
  }
  policy->join();
  CHECK(knew == told);
}
