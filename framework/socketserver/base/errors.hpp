#pragma once
// The errors a user meets. A network event is a StreamError; a configuration that cannot be used a ConfigError.

#include <cstddef>
#include <socketserver/base/visibility.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Reading from or writing to a connection failed: reset, broken pipe, timeout, a line past its limit.
/// code() is the cause, bytes_transferred() what had gone through before it.
class StreamError : public std::system_error {
 public:
  /// @param what  what was being done; what() adds the code's own text.
  StreamError(std::error_code code, const std::string& what, std::size_t bytes_transferred = 0)
      : std::system_error(code, what), bytes_transferred_(bytes_transferred) {}

  /// @returns the bytes that had been sent or received by the operation that failed.
  std::size_t bytes_transferred() const noexcept { return bytes_transferred_; }

 private:
  std::size_t bytes_transferred_;
};

/// A deadline passed. code() is std::errc::timed_out.
class TimeoutError : public StreamError {
 public:
  /// @param what  which clock has run out.
  explicit TimeoutError(const std::string& what, std::size_t bytes_transferred = 0)
      : StreamError(std::make_error_code(std::errc::timed_out), what, bytes_transferred) {}
};

/// No delimiter within max_line bytes; nothing was consumed. code() is std::errc::message_size.
class LineTooLong : public StreamError {
 public:
  /// @param max_line_bytes  the limit, for what().
  explicit LineTooLong(std::size_t max_line_bytes)
      : StreamError(std::make_error_code(std::errc::message_size),
                    "no end of line within " + std::to_string(max_line_bytes) + " bytes") {}
};

/// A configuration that cannot be used. what() is one line that names the place, what was found and what is taken.
class ConfigError : public std::runtime_error {
 public:
  /// Where in which source; line and column count from 1 and are 0 where a pointer says it better.
  struct Place {
    std::string file;        ///< a path, or `<text>`, or an override's source, as "--set"
    std::string pointer;     ///< a JSON pointer (RFC 6901); "" is the whole document
    std::size_t line = 0;    ///< of an error of JSON's syntax
    std::size_t column = 0;  ///< in bytes, from 1 as well
  };

  /// @param problem  what was found there and what is taken.
  ConfigError(Place place, std::string_view problem);

  /// @name The parts of its Place
  ///@{

  /// As in Place.
  const std::string& file() const noexcept { return place_.file; }
  const std::string& pointer() const noexcept { return place_.pointer; }
  std::size_t line() const noexcept { return place_.line; }
  std::size_t column() const noexcept { return place_.column; }
  ///@}

 private:
  Place place_;
};

/// A value that does not fit its item of a struct format, or bytes that are not as long as the format. what()
/// is in the words of Python's struct.error.
class StructError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace socketserver
