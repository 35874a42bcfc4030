#pragma once
// The policy "thread": a thread for each job, joined soon after it has ended.

#include <condition_variable>
#include <list>
#include <mutex>
#include <socketserver/concurrency/policy.hpp>
#include <thread>

namespace socketserver::detail {

class ThreadPolicy final : public Policy {
 public:
  ~ThreadPolicy() override;

  std::string describe() const override { return "thread"; }
  std::size_t capacity() const noexcept override;
  using Policy::submit;
  void submit(Job job, JobName name) override;
  void join() override;

 private:
  using Threads = std::list<std::thread>;
  void join_finished();

  std::mutex mutex_;
  std::condition_variable all_ended_;
  Threads running_;   // guarded by mutex_
  Threads finished_;  // guarded by mutex_; ended but for their last few instructions
};

}  // namespace socketserver::detail
