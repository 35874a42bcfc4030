#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <socketserver/concurrency/worker_pool.hpp>
#include <string>
#include <system_error>
#include <thread>

#include "support/catch.hpp"
#include "support/event.hpp"
#include "support/no_threads.hpp"

using namespace socketserver;
using testing_support::Event;
using testing_support::NoThreads;

namespace {

/// Gives the calling thread a name, which the threads that it starts inherit, so that only these are counted.
class CountedThreads {
 public:
  CountedThreads() {
    ::pthread_getname_np(::pthread_self(), before_, sizeof before_);
    ::pthread_setname_np(::pthread_self(), kName);
  }
  CountedThreads(const CountedThreads&) = delete;
  CountedThreads& operator=(const CountedThreads&) = delete;
  ~CountedThreads() { ::pthread_setname_np(::pthread_self(), before_); }

  /// @returns the threads that this one has started and that have not ended. Source: proc(5), comm.
  static std::size_t count() {
    std::size_t named = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::string name;
      std::getline(std::ifstream(task.path() / "comm") >> std::ws, name);
      if (name == kName) ++named;
    }
    return named - 1;
  }

 private:
  static constexpr const char* kName = "starts-workers";
  char before_[16] = {};
};

}  // namespace

TEST_CASE("a pool starts threads on demand up to its limit, and further jobs wait for one") {
  std::thread([] {}).join();  // a sanitizer starts a thread of its own with the first
  const CountedThreads threads;
  detail::WorkerPool pool(2);
  std::atomic<int> began{0};
  Event both_began;
  Event over;
  const auto job = [&] {
    if (++began == 2) both_began.set();
    over.wait();
  };
  CHECK(threads.count() == 0);
  pool.submit(job);
  CHECK(threads.count() == 1);
  for (int i = 0; i < 4; ++i) pool.submit(job);
  CHECK(threads.count() == 2);
  both_began.wait();
  CHECK(pool.running() == 2);
  CHECK(pool.queued() == 3);
  over.set();
  pool.join();
  CHECK(began == 5);
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
