#include <socketserver/observe/log.hpp>

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <socketserver/base/text.hpp>
#include <socketserver/observe/log_sink.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace socketserver {
namespace {

constexpr std::size_t kMaxMessage = 1024;

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

}  // namespace

struct Logger::Sink {
  explicit Sink(const LogConfig& config)
      : sink(std::make_shared<detail::LogSink>(config.file)), logger("socketserver", sink) {
    logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(spdlog_pattern(config.pattern)));
    logger.set_level(spdlog_level(config.level));
    logger.set_error_handler([](const std::string&) {});
  }

  const std::shared_ptr<detail::LogSink> sink;  // shared as spdlog wants it
  spdlog::logger logger;
};

Logger::Logger(const LogConfig& config) : level_(config.level), sink_(std::make_unique<Sink>(config)) {}
Logger::~Logger() = default;

void Logger::reopen() { sink_->sink->reopen(); }

bool Logger::enabled(LogLevel level) const noexcept { return level >= level_ && level != LogLevel::off; }

void Logger::write(LogLevel level, std::string_view message) noexcept {
  if (!enabled(level)) return;
  try {
    sink_->logger.log(spdlog_level(level), escaped(message, kMaxMessage));
  } catch (...) {
    // Only memory can be short here (spdlog catches the rest), and there is nowhere left to say so.
  }
}

void check_log_pattern(std::string_view pattern) { spdlog_pattern(pattern); }

}  // namespace socketserver
