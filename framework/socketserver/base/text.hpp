#pragma once
// Small text helpers: Python's strip and upper, joining pieces, and making foreign bytes fit for a log line.

#include <concepts>
#include <cstddef>
#include <socketserver/base/visibility.hpp>
#include <string>
#include <string_view>

namespace SOCKETSERVER_PUBLIC socketserver {

/// @returns the text without leading and trailing ASCII white space; a view into the argument.
std::string_view strip(std::string_view text) noexcept;

/// @returns a copy with a-z made A-Z; other bytes, so also UTF-8, stay as they are.
std::string upper(std::string_view text);

/// @returns the text on one printable line: control characters, escapes and bytes that are not UTF-8 become
/// `\n`, `\r`, `\t` or `\xNN`, and what is past limit_bytes of the result is cut and counted. Escaping twice changes
/// nothing, so a backslash stays as it is: `\n` in the text and a line feed look alike.
std::string escaped(std::string_view text, std::size_t limit_bytes = 1024);

/// @returns the bytes as a C++ string literal, escaped as above, all of them; "..."sv if there is a zero among them.
std::string string_literal(std::string_view bytes);

/// @returns how many insertions, deletions, replacements and exchanges of neighbouring characters turn one
/// text into the other (optimal string alignment).
std::size_t edit_distance(std::string_view from, std::string_view to);

/// @returns a count of seconds as a person writes it: "60 s", "0.25 s".
std::string seconds_text(double seconds);

namespace detail {

inline void append_text(std::string& out, std::string_view piece) { out += piece; }
inline void append_text(std::string& out, char piece) { out += piece; }
template <std::integral T>
requires(!std::same_as<T, char> && !std::same_as<T, bool>) void append_text(std::string& out, T piece) {
  out += std::to_string(piece);
}

}  // namespace detail

/// @returns the pieces, texts and whole numbers, one after the other.
template <typename... Pieces>
std::string concat(const Pieces&... pieces) {
  std::string out;
  (detail::append_text(out, pieces), ...);
  return out;
}

}  // namespace socketserver
