#pragma once
// The log: one printable line an event; what a peer has put into it is escaped.

#include <memory>
#include <optional>
#include <socketserver/base/visibility.hpp>
#include <string>
#include <string_view>

namespace SOCKETSERVER_PUBLIC socketserver {

/// From all lines to none: a logger writes those of its level and of the levels after it.
enum class LogLevel { debug, info, warning, error, off };

/// What is written, how and where to.
struct LogConfig {
  LogLevel level = LogLevel::info;                                ///< the least level that is written
  std::string pattern = "[{processName} ({process})] {message}";  ///< a line's form: see Logger
  std::optional<std::string> file{};  ///< appended to, made if absent; nullopt is standard error
};

/// Writes lines in a pattern with Python's names: {processName}, {process} (its id), {level}, {time} (local,
/// ISO 8601, milliseconds) and {message}; {{ and }} are braces. Threads: safe to share.
class Logger {
 public:
  /// @throws std::invalid_argument  the pattern has an unknown field or a lone brace.
  /// @throws std::system_error      the file cannot be opened.
  explicit Logger(const LogConfig& config);
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;
  ~Logger();

  /// Reopens the file, as after logrotate has renamed it; standard error stays as it is. If that fails, the lines go
  /// on into the file that is open. @throws std::system_error  the file cannot be opened.
  void reopen();

  /// Whether a line of this level would be written: ask before composing a costly one.
  bool enabled(LogLevel level) const noexcept;
  /// Writes one line. Control characters and bytes that are not UTF-8 are escaped and long text is cut (see
  /// escaped()). A full disk or closed pipe loses the line, never the caller; and where standard error is not read it
  /// is waited for one second at most, or for a tenth of the time if it is read slowly: lines that there is no room for
  /// are lost, and counted in the next one that is written.
  void write(LogLevel level, std::string_view message) noexcept;

  /// @name write() by level
  ///@{

  /// As write() at this level.
  void debug(std::string_view message) noexcept { write(LogLevel::debug, message); }
  void info(std::string_view message) noexcept { write(LogLevel::info, message); }
  void warning(std::string_view message) noexcept { write(LogLevel::warning, message); }
  void error(std::string_view message) noexcept { write(LogLevel::error, message); }
  ///@}

 private:
  struct Sink;
  LogLevel level_;
  std::unique_ptr<Sink> sink_;
};

/// Says whether Logger takes the pattern. @throws std::invalid_argument  as its constructor does.
void check_log_pattern(std::string_view pattern);

}  // namespace socketserver
