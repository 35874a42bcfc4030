#pragma once
// A stream whose peer reads when the test says so, on the steady clock.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <mutex>
#include <socketserver/io/stream.hpp>
#include <socketserver/wait/detail/wait_list.hpp>
#include <socketserver/wait/execution.hpp>
#include <string>
#include <thread>
#include <vector>

namespace testing_support {

class GateStream final : public socketserver::Stream {
 public:
  static constexpr std::size_t kEverything = std::numeric_limits<std::size_t>::max();

  /// @param room  the bytes that are taken at first.
  explicit GateStream(std::size_t room) : room_(room) {}
  ~GateStream() override { close(); }

  /// The peer takes this many more bytes.
  void take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    room_ = bytes;
    changed_.notify_all();
  }
  std::string written() const {
    const std::lock_guard lock(mutex_);
    return written_;
  }
  bool aborted() const { return aborts() > 0; }
  std::size_t aborts() const {
    const std::lock_guard lock(mutex_);
    return aborts_;
  }
  /// The threads that have written, one for each write.
  std::vector<std::thread::id> writers() const {
    const std::lock_guard lock(mutex_);
    return writers_;
  }
  /// Called before each write, with no lock held.
  std::function<void()> before_write = [] {};

  void shutdown(socketserver::ShutdownHow) noexcept override { abort(); }
  void close() noexcept override { end_sends(); }
  void drain() noexcept override {}
  void abort() noexcept override {
    const std::lock_guard lock(mutex_);
    ++aborts_;
    changed_.notify_all();
  }
  socketserver::IoResult read_some(std::span<std::byte>, socketserver::Deadline deadline, socketserver::Wait) override {
    std::unique_lock lock(mutex_);
    const bool over = changed_.wait_for(lock, deadline, [this] { return aborts_ > 0; });
    return {0, std::make_error_code(over ? std::errc::connection_aborted : std::errc::timed_out)};
  }
  socketserver::IoResult write_some(std::span<const std::byte> bytes, socketserver::Deadline deadline) override {
    before_write();
    if (socketserver::detail::Fiber* fiber = socketserver::detail::current_fiber()) fiber->yield();
    std::unique_lock lock(mutex_);
    const auto go_on = [this] { return room_ > 0 || aborts_ > 0; };
    const bool in_time =
        deadline == socketserver::Deadline::at_once() ? go_on() : changed_.wait_for(lock, deadline, go_on);
    if (aborts_ > 0) return {0, std::make_error_code(std::errc::broken_pipe)};
    if (!in_time) return {0, std::make_error_code(std::errc::timed_out)};
    const std::size_t taken = std::min(bytes.size(), room_);
    if (room_ != kEverything) room_ -= taken;
    written_.append(reinterpret_cast<const char*>(bytes.data()), taken);
    writers_.push_back(std::this_thread::get_id());
    return {taken, {}};
  }

 private:
  mutable std::mutex mutex_;
  socketserver::detail::WaitList changed_;  // guarded by mutex_, as is all below
  std::size_t room_;
  std::string written_;
  std::vector<std::thread::id> writers_;
  std::size_t aborts_ = 0;
};

}  // namespace testing_support
