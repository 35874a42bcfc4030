#pragma once
// Threads that take jobs from one queue: the pool's workers, and the threads that run a fiber's blocking calls.

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <socketserver/base/function.hpp>
#include <thread>

namespace socketserver::detail {

/// Starts threads on demand, up to a limit; further jobs wait for a free one. Threads: any.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t most_threads) : most_threads_(most_threads) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  /// Waits for the jobs to end.
  ~WorkerPool();

  /// Starts all threads now. @throws std::system_error  one could not be started.
  void start_all();
  /// @throws std::system_error  the first thread could not be started. A job must not throw.
  void submit(Job job);
  /// Jobs that wait for a thread.
  std::size_t queued() const noexcept;
  /// Jobs that run.
  std::size_t running() const noexcept;
  /// Waits until no job is left.
  void join();

 private:
  void start_one();
  void work();
  void replace_this_one() noexcept;

  const std::size_t most_threads_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;   // a job came, or the end
  std::condition_variable all_done_;  // no job is left
  std::deque<Job> jobs_;              // guarded by mutex_, as all below
  std::size_t unfinished_ = 0;        // queued and running
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::list<std::thread> threads_;
  std::list<std::thread> ended_;  // by their jobs
};

}  // namespace socketserver::detail
