#pragma once
// Connections that have sent nothing yet: they wait on an event loop, without a thread or a fiber.

#include <asio/io_context.hpp>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <socketserver/server/detail/environment.hpp>

namespace socketserver::detail {

/// Background's three functions for it. Threads: safe to share; the loop has one thread.
class InputWaits {
 public:
  explicit InputWaits(asio::io_context& loop) : loop_(loop) {}

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

  asio::io_context& loop_;
  std::list<WaitPtr> waiting_;  // the loop's thread only
  std::mutex mutex_;
  std::condition_variable none_left_;
  std::size_t count_ = 0;  // guarded by mutex_, as the next; counts from await(), before the loop has seen it
  bool refusing_ = false;
};

}  // namespace socketserver::detail
