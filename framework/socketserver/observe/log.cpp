#include <socketserver/observe/log.hpp>

#include <fcntl.h>
#include <poll.h>
#include <spdlog/details/file_helper.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/detail/kernel_timeout.hpp>
#include <socketserver/base/text.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace socketserver {
namespace {

constexpr std::size_t kLongestMessage = 1024;
constexpr Duration kMostPatience = std::chrono::seconds(1);  // with who reads standard error

struct Field {
  std::string_view name;
  std::string_view flags;  // spdlog's
};
constexpr std::array<Field, 4> kFields{{
    {"process", "%P"},
    {"level", "%l"},
    {"time", "%Y-%m-%dT%H:%M:%S.%e"},
    {"message", "%v"},
}};

std::string doubled_percent(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '%' ? "%%" : std::string(1, c);
  return out;
}

std::string flags_of(std::string_view name) {
  if (name == "processName") return doubled_percent(program_invocation_short_name);
  for (const Field& field : kFields) {
    if (field.name == name) return std::string(field.flags);
  }
  throw std::invalid_argument(
      concat("unknown field {", name, "}; there are {processName}, {process}, {level}, {time} and {message}"));
}

/// Our pattern in spdlog's notation.
std::string spdlog_pattern(std::string_view pattern) {
  std::string out;
  while (!pattern.empty()) {
    const std::size_t brace = pattern.find_first_of("{}");
    out += doubled_percent(pattern.substr(0, brace));
    if (brace == std::string_view::npos) break;
    pattern.remove_prefix(brace);
    if (pattern.starts_with("{{") || pattern.starts_with("}}")) {
      out += pattern[0];
      pattern.remove_prefix(2);
      continue;
    }
    const std::size_t end = pattern.find('}');
    if (pattern[0] == '}' || end == std::string_view::npos) {
      throw std::invalid_argument("a lone brace; {{ and }} stand for braces");
    }
    out += flags_of(pattern.substr(1, end - 1));
    pattern.remove_prefix(end + 1);
  }
  return out;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::off: break;
  }
  return spdlog::level::off;
}

/// spdlog's own message names no cause and its file sink makes missing folders; a typo should not.
void check_can_open(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "log file " + file);
  ::close(fd);
}

}  // namespace

namespace detail {

/// spdlog's file sink, and it can open its file anew.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FileSink(const std::string& name) {
    check_can_open(name);
    file_.open(name);
  }
  void reopen() {
    const std::lock_guard lock(mutex_);
    check_can_open(file_.filename());
    file_.reopen(false);
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    file_.write(line);
  }
  void flush_() override { file_.flush(); }

  spdlog::details::file_helper file_;
};

/// Standard error as it was at the start. Whoever has stopped reading it must not stop whoever logs: he is waited for
/// one second at most, not again before he goes on, and where he is slow for a tenth of the time. Lines that there is
/// no room for are counted instead of written.
class StandardErrorSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  StandardErrorSink() {
    struct stat about {};
    if (::fstat(STDERR_FILENO, &about) != 0) return;
    is_socket_ = S_ISSOCK(about.st_mode);
    // One of our own to write to without blocking; standard error itself is shared with whoever started the program.
    if (S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode)) {
      const int own = ::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
      if (own >= 0) fd_ = own;
    }
  }
  StandardErrorSink(const StandardErrorSink&) = delete;
  StandardErrorSink& operator=(const StandardErrorSink&) = delete;
  ~StandardErrorSink() override {
    if (fd_ != STDERR_FILENO) ::close(fd_);
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (lost_ > 0) {
      const std::string text = concat("lines lost, for which there was no room: ", lost_);
      if (put({message.logger_name, spdlog::level::warn, text})) lost_ = 0;
    }
    if (lost_ > 0 || !put(message)) ++lost_;
  }
  void flush_() override {}

  /// @returns whether the line is written, or its beginning; the rest comes before the next one then.
  bool put(const spdlog::details::log_msg& message) {
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
  std::string_view send(std::string_view text) {
    while (!text.empty() && has_room()) {
      const ssize_t taken = is_socket_ ? ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                       : ::write(fd_, text.data(), text.size());
      if (taken < 0 && errno == EINTR) continue;
      if (taken <= 0) break;
      text.remove_prefix(static_cast<std::size_t>(taken));
    }
    return text;
  }

  bool has_room() {
    pollfd out{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&out, 1, 0) == 0 && lost_ == 0) wait(out);
    return (out.revents & POLLOUT) != 0 && (out.revents & POLLERR) == 0;
  }

  void wait(pollfd& out) {
    const TimePoint begun = steady_clock().now();
    patience_ = std::min(kMostPatience, patience_ + (begun - waited_) / 10);
    const Deadline until = Deadline::at(begun + patience_);
    while (::poll(&out, 1, kernel_timeout(until)) < 0 && errno == EINTR) continue;
    waited_ = steady_clock().now();
    patience_ = std::max(Duration::zero(), patience_ - (waited_ - begun));
  }

  int fd_ = STDERR_FILENO;
  bool is_socket_ = false;
  std::string rest_;  // of a line that was written in part
  std::uint64_t lost_ = 0;
  Duration patience_ = kMostPatience;  // left at waited_
  TimePoint waited_ = steady_clock().now();
};

}  // namespace detail

struct Logger::Sink {
  explicit Sink(const LogConfig& config)
      : file(config.file ? std::make_shared<detail::FileSink>(*config.file) : nullptr), logger("socketserver", sink()) {
    logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(spdlog_pattern(config.pattern)));
    logger.set_level(spdlog_level(config.level));
    logger.flush_on(spdlog::level::debug);  // a line that a crash would lose is the one that is needed
    logger.set_error_handler([](const std::string&) {});
  }
  std::shared_ptr<spdlog::sinks::sink> sink() const {
    if (file != nullptr) return file;
    return std::make_shared<detail::StandardErrorSink>();
  }

  const std::shared_ptr<detail::FileSink> file;  // null for standard error
  spdlog::logger logger;
};

Logger::Logger(const LogConfig& config) : level_(config.level), sink_(std::make_unique<Sink>(config)) {}
Logger::~Logger() = default;

void Logger::reopen() {
  if (sink_->file != nullptr) sink_->file->reopen();
}

bool Logger::enabled(LogLevel level) const noexcept { return level >= level_ && level != LogLevel::off; }

void Logger::write(LogLevel level, std::string_view message) noexcept {
  if (!enabled(level)) return;
  try {
    sink_->logger.log(spdlog_level(level), escaped(message, kLongestMessage));
  } catch (...) {
    // Only memory can be short here (spdlog catches the rest), and there is nowhere left to say so.
  }
}

void check_log_pattern(std::string_view pattern) { spdlog_pattern(pattern); }

}  // namespace socketserver
