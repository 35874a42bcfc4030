#pragma once
// Where a log's lines go: a file, a FIFO, a terminal or standard error, none of which may hold the caller up.

#include <spdlog/sinks/base_sink.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <socketserver/base/clock.hpp>
#include <string>
#include <string_view>
#include <utility>

struct pollfd;

namespace socketserver::detail {

/// An open descriptor that lines are written to.
class LogTarget {
 public:
  /// Opens what the name is of. Never waits: a FIFO without a reader is opened, and keeps lines until one comes.
  /// @throws std::system_error  it cannot be opened.
  static LogTarget open(const std::string& name);
  /// Standard error as it is now.
  static LogTarget standard_error() noexcept;

  LogTarget(LogTarget&& other) noexcept { *this = std::move(other); }
  LogTarget& operator=(LogTarget&& other) noexcept;
  ~LogTarget();

  int fd() const noexcept { return fd_; }
  /// A regular file: poll(2) says nothing of it.
  bool is_regular() const noexcept { return is_regular_; }
  /// Writes without waiting. @returns as write(2).
  ssize_t write(std::string_view text) const noexcept;

 private:
  explicit LogTarget(int fd) noexcept;

  int fd_ = -1;
  bool is_socket_ = false;
  bool is_regular_ = false;
};

/// Writes each line with one write(2). A reader that does not keep up is waited for one second at most, not again
/// before it reads, and a tenth of the time where it is slow. Lines that there is no room for are counted, not written.
class LogSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// @param file  nullopt is standard error. @throws std::system_error  the file cannot be opened.
  explicit LogSink(std::optional<std::string> file);
  /// Opens the file, then gives up the one that was open; standard error stays. Where it throws, nothing changes.
  /// @throws std::system_error  the file cannot be opened.
  void reopen();

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}
  bool put(const spdlog::details::log_msg& message);
  std::string_view send(std::string_view text);
  bool has_room();
  void wait(pollfd& out);

  const std::optional<std::string> file_;
  LogTarget target_;  // guarded by the base's mutex_, as is all below
  std::string rest_;  // of a line that was written in part
  std::uint64_t lost_ = 0;
  Duration patience_;  // left at waited_
  TimePoint waited_;
};

}  // namespace socketserver::detail
