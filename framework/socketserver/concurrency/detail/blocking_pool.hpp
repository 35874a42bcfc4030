#pragma once
// Threads for work that blocks, so that no fiber loop has to.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <socketserver/base/function.hpp>
#include <thread>
#include <vector>

namespace socketserver::detail {

/// Starts threads as they are needed, up to a bound; further jobs wait for one. Threads: submit from any.
class BlockingPool {
 public:
  explicit BlockingPool(std::size_t most_threads) : most_threads_(most_threads) {}
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  /// Waits for the jobs to end.
  ~BlockingPool();

  /// @throws std::system_error  the first thread could not be started. A job must not throw.
  void submit(Job job);

 private:
  void work();

  const std::size_t most_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;  // guarded by mutex_, as all below
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace socketserver::detail
