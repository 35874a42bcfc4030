#include <socketserver/observe/log_sink.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/kernel_timeout.hpp>
#include <socketserver/base/text.hpp>
#include <system_error>

namespace socketserver::detail {
namespace {

constexpr Duration kMaxPatience = std::chrono::seconds(1);
constexpr int kFlags = O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

int open_log(const std::string& name) noexcept {
  const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | kFlags, 0644);
  // A FIFO without a reader, which this process is then itself. Source: fifo(7).
  return fd < 0 && errno == ENXIO ? ::open(name.c_str(), O_RDWR | kFlags) : fd;
}

}  // namespace

LogTarget LogTarget::open(const std::string& name) {
  const int fd = open_log(name);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "log file " + name);
  return LogTarget(fd);
}

LogTarget LogTarget::standard_error() noexcept {
  struct stat about {};
  const bool known = ::fstat(STDERR_FILENO, &about) == 0;
  if (!known || !(S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode))) return LogTarget(STDERR_FILENO);
  // A description of its own, to write to without blocking; standard error's is shared with other processes.
  const int own = ::open("/proc/self/fd/2", O_WRONLY | kFlags);
  return LogTarget(own >= 0 ? own : STDERR_FILENO);
}

LogTarget::LogTarget(int fd) noexcept : fd_(fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) return;
  is_socket_ = S_ISSOCK(about.st_mode);
  is_regular_ = S_ISREG(about.st_mode);
}

LogTarget& LogTarget::operator=(LogTarget&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(is_socket_, other.is_socket_);
  std::swap(is_regular_, other.is_regular_);
  return *this;
}

LogTarget::~LogTarget() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

ssize_t LogTarget::write(std::string_view text) const noexcept {
  if (is_socket_) return ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return ::write(fd_, text.data(), text.size());
}

LogSink::LogSink(std::optional<std::string> file)
    : file_(std::move(file)),
      target_(file_ ? LogTarget::open(*file_) : LogTarget::standard_error()),
      patience_(kMaxPatience),
      waited_(steady_clock().now()) {}

void LogSink::reopen() {
  if (!file_) return;
  LogTarget target = LogTarget::open(*file_);  // closes the former one at the end, without the lock
  const std::lock_guard lock(mutex_);
  std::swap(target_, target);
  rest_.clear();  // of a line that began in the former one
}

void LogSink::sink_it_(const spdlog::details::log_msg& message) {
  if (lost_ > 0) {
    const std::string text = concat("log lines dropped, the log was not being read or was full: ", lost_);
    if (put({message.logger_name, spdlog::level::warn, text})) lost_ = 0;
  }
  if (lost_ > 0 || !put(message)) ++lost_;
}

/// @returns whether the line is written, or its beginning; the rest comes before the next one then.
bool LogSink::put(const spdlog::details::log_msg& message) {
  rest_ = std::string(send(rest_));
  if (!rest_.empty()) return false;
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  const std::string_view left = send({line.data(), line.size()});
  if (left.size() == line.size()) return false;
  rest_ = std::string(left);
  return true;
}

/// @returns what there is no room for.
std::string_view LogSink::send(std::string_view text) {
  while (!text.empty() && has_room()) {
    const ssize_t taken = target_.write(text);
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(taken));
  }
  return text;
}

bool LogSink::has_room() {
  if (target_.is_regular()) return true;
  pollfd out{.fd = target_.fd(), .events = POLLOUT, .revents = 0};
  if (::poll(&out, 1, 0) == 0 && lost_ == 0) wait(out);
  return (out.revents & POLLOUT) != 0 && (out.revents & POLLERR) == 0;
}

void LogSink::wait(pollfd& out) {
  const TimePoint begun = steady_clock().now();
  patience_ = std::min(kMaxPatience, patience_ + (begun - waited_) / 10);
  const Deadline until = Deadline::at(begun + patience_);
  while (::poll(&out, 1, kernel_timeout(until)) < 0 && errno == EINTR) continue;
  waited_ = steady_clock().now();
  patience_ = std::max(Duration::zero(), patience_ - (waited_ - begun));
}

}  // namespace socketserver::detail
