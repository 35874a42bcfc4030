#include <pthread.h>

#include <atomic>
#include <socketserver/base/sanitizers.hpp>
#include <socketserver/concurrency/worker_pool.hpp>
#include <system_error>
#include <thread>

#include "support/catch.hpp"
#include "support/event.hpp"
#include "support/no_threads.hpp"

using namespace socketserver;
using testing_support::Event;
using testing_support::NoThreads;

TEST_CASE("a pool starts threads up to its limit, and further jobs wait for one") {
  detail::WorkerPool pool(2);
  Event first_began;
  Event both_began;
  Event over;
  std::atomic<bool> third_ran{false};
  pool.submit([&] {
    first_began.set();
    over.wait();
  });
  first_began.wait();
  CHECK(pool.running() == 1);
  CHECK(pool.queued() == 0);
  pool.submit([&] {
    both_began.set();
    over.wait();
  });
  both_began.wait();
  pool.submit([&third_ran] { third_ran = true; });
  CHECK(pool.running() == 2);
  CHECK(pool.queued() == 1);
  CHECK_FALSE(third_ran);
  over.set();
  pool.join();
  CHECK(third_ran);
  CHECK(pool.running() == 0);
}

TEST_CASE("a job waits for a thread that runs where no other can be started, and fails where there is none") {
  detail::WorkerPool pool(2);
  Event began;
  Event over;
  std::atomic<bool> second_ran{false};
  {
    const NoThreads none;
    CHECK_THROWS_AS(pool.submit([] {}), std::system_error);
    CHECK(pool.queued() == 0);
  }
  pool.submit([&] {
    began.set();
    over.wait();
  });
  began.wait();
  {
    const NoThreads none;
    CHECK_NOTHROW(pool.submit([&second_ran] { second_ran = true; }));
  }
  CHECK(pool.queued() == 1);
  over.set();
  pool.join();
  CHECK(second_ran);
}

TEST_CASE("the threads of start_all serve where no other can be started") {
  detail::WorkerPool pool(3);
  pool.start_all();
  const NoThreads none;
  std::atomic<int> arrived{0};
  for (int i = 0; i < 3; ++i) {
    pool.submit([&arrived] {
      ++arrived;
      while (arrived < 3) std::this_thread::yield();  // ends only if all three run at the same time
    });
  }
  pool.join();
  CHECK(arrived == 3);
}

TEST_CASE("a job that ends its thread is counted as ended, and its thread is replaced") {
  detail::WorkerPool pool(1);
  std::atomic<int> ran{0};
  for (int i = 0; i < 3; ++i) {
    pool.submit([&ran] {
      ++ran;
      ::pthread_exit(nullptr);
    });
  }
  pool.submit([&ran] { ++ran; });
  pool.join();
  CHECK(ran == 4);
  CHECK(pool.running() == 0);
}
