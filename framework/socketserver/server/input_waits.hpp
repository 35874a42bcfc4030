#pragma once
// Connections that have sent nothing yet: they wait on an event loop, without a thread or a fiber of their own.

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <socketserver/server/environment.hpp>
#include <thread>

namespace socketserver::detail {

/// Background's three functions for it. The loop has a thread, which the first wait starts: what is done at their ends
/// calls hooks, and holds up no other work in the background. Threads: safe to share.
class InputWaits {
 public:
  InputWaits() = default;
  InputWaits(const InputWaits&) = delete;
  InputWaits& operator=(const InputWaits&) = delete;
  ~InputWaits();

  bool await(ServedStream& stream, Deadline deadline, InputAction done);
  void end_all() noexcept;
  void allow() noexcept;

 private:
  struct Wait;
  using WaitPtr = std::shared_ptr<Wait>;

  void begin(std::list<WaitPtr> made) noexcept;
  void look(const WaitPtr& wait) noexcept;
  void end(const WaitPtr& wait, FirstInput found) noexcept;
  void end_those_that_wait() noexcept;
  void count_end() noexcept;

  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(loop_);
  std::list<WaitPtr> waiting_;  // the loop's thread only
  std::mutex mutex_;
  std::condition_variable none_left_;
  std::size_t count_ = 0;  // guarded by mutex_, as the next; counts from await(), before the loop has seen it
  bool refusing_ = false;
  std::thread thread_;
};

}  // namespace socketserver::detail
