#include <socketserver/observe/log.hpp>

#include <fcntl.h>
#include <poll.h>
#include <spdlog/details/file_helper.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <socketserver/base/text.hpp>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace socketserver {
namespace {

constexpr std::size_t kLongestMessage = 1024;
constexpr int kReaderPatience = 1000;  // milliseconds

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

/// Whoever has stopped reading standard error must not stop whoever logs: he is waited for once, and until he goes on
/// lines are counted instead of written.
class StandardErrorSink final : public spdlog::sinks::base_sink<std::mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (lost_ > 0 && takes_a_line(0)) {
      const std::string text = concat("lines lost, which nobody read: ", std::exchange(lost_, 0));
      write({message.logger_name, spdlog::level::warn, text});
    }
    if (takes_a_line(lost_ > 0 ? 0 : kReaderPatience)) {
      write(message);
    } else {
      ++lost_;
    }
  }
  void flush_() override {}

  /// A pipe that can be written to takes PIPE_BUF bytes without blocking, which is more than a line. Source: pipe(7).
  static bool takes_a_line(int milliseconds) {
    pollfd out{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    while (::poll(&out, 1, milliseconds) < 0 && errno == EINTR) continue;
    return (out.revents & POLLOUT) != 0 && (out.revents & POLLERR) == 0;
  }

  void write(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    for (std::size_t done = 0; done < line.size();) {
      const ssize_t taken = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
      if (taken < 0 && errno != EINTR) return;
      if (taken > 0) done += static_cast<std::size_t>(taken);
    }
  }

  std::uint64_t lost_ = 0;
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
