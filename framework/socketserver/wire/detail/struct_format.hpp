#pragma once
// The grammar of struct formats, read by the compiler: which item stands where, or what is wrong with the
// format. Source: Python's documentation of struct, "Format Strings".

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace socketserver::detail {

enum class FormatError {
  none,
  bad_character,
  count_without_character,
  blank_after_count,
  native_only,
  prefix_not_first,
  count_too_large,
  size_too_large,
  too_many_values,
};

/// Sizes and alignment in bytes; a standard size of 0 means that there is none.
struct FormatCharacter {
  char code;
  std::size_t standard_size;
  std::size_t native_size;
  std::size_t native_alignment;
};

template <typename T>
consteval FormatCharacter format_character(char code, std::size_t standard_size) {
  return {code, standard_size, sizeof(T), alignof(T)};
}

inline constexpr std::array kFormatCharacters = {
    format_character<char>('x', 1),           format_character<char>('c', 1),
    format_character<std::int8_t>('b', 1),    format_character<std::uint8_t>('B', 1),
    format_character<bool>('?', 1),           format_character<std::int16_t>('h', 2),
    format_character<std::uint16_t>('H', 2),  format_character<std::int32_t>('i', 4),
    format_character<std::uint32_t>('I', 4),  format_character<long>('l', 4),
    format_character<unsigned long>('L', 4),  format_character<std::int64_t>('q', 8),
    format_character<std::uint64_t>('Q', 8),  format_character<std::ptrdiff_t>('n', 0),
    format_character<std::size_t>('N', 0),    format_character<std::uint16_t>('e', 2),
    format_character<float>('f', 4),          format_character<double>('d', 8),
    format_character<char>('s', 1),           format_character<char>('p', 1),
    format_character<std::uintptr_t>('P', 0),
};

// A tuple of more values runs into the compilers' limit on nested templates, whose message does not help.
inline constexpr std::size_t kMaxFormatValues = 256;

// Python's limit too: what a signed size can count.
inline constexpr std::size_t kMaxFormatSize = std::numeric_limits<std::ptrdiff_t>::max();

constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_prefix(char c) { return std::string_view("@=<>!").find(c) != std::string_view::npos; }

/// One count and character of a format: values items of item_size bytes each, the first of them at offset.
struct FormatMember {
  char code = 0;
  std::size_t offset = 0;
  std::size_t values = 0;
  std::size_t item_size = 0;
};

/// Reads a format member by member. After next() has returned false, error() says whether that was the end,
/// and position() where it stopped.
class FormatParser {
 public:
  constexpr explicit FormatParser(std::string_view format) : format_(format) {
    if (format.empty() || !is_prefix(format[0])) return;
    position_ = 1;
    native_ = format[0] == '@';
    if (format[0] == '<') order_ = std::endian::little;
    if (format[0] == '>' || format[0] == '!') order_ = std::endian::big;
  }

  constexpr bool next() {
    while (!at_end() && is_blank(format_[position_])) ++position_;
    if (at_end()) return false;
    const bool counted = is_digit(format_[position_]);
    std::size_t count = counted ? 0 : 1;
    if (counted && !read_count(count)) return false;
    if (!place(format_[position_], count)) return false;
    ++position_;
    return true;
  }

  constexpr const FormatMember& member() const { return member_; }
  constexpr std::size_t size() const { return size_; }
  constexpr std::endian order() const { return order_; }
  constexpr bool native() const { return native_; }
  constexpr FormatError error() const { return error_; }
  constexpr std::size_t position() const { return position_; }

 private:
  constexpr bool at_end() const { return position_ == format_.size(); }

  constexpr bool fail(FormatError error) {
    error_ = error;
    return false;
  }

  constexpr bool read_count(std::size_t& count) {
    for (; !at_end() && is_digit(format_[position_]); ++position_) {
      const auto digit = static_cast<std::size_t>(format_[position_] - '0');
      if (count > (kMaxFormatSize - digit) / 10) return fail(FormatError::count_too_large);
      count = count * 10 + digit;
    }
    if (at_end()) return fail(FormatError::count_without_character);
    return is_blank(format_[position_]) ? fail(FormatError::blank_after_count) : true;
  }

  constexpr bool place(char code, std::size_t count) {
    if (is_prefix(code)) return fail(FormatError::prefix_not_first);
    for (const FormatCharacter& known : kFormatCharacters) {
      if (known.code == code) return place(known, count);
    }
    return fail(FormatError::bad_character);
  }

  constexpr bool place(const FormatCharacter& known, std::size_t count) {
    const std::size_t item_size = native_ ? known.native_size : known.standard_size;
    if (item_size == 0) return fail(FormatError::native_only);
    const std::size_t alignment = native_ ? known.native_alignment : 1;
    const std::size_t padding = (alignment - size_ % alignment) % alignment;
    if (padding > kMaxFormatSize - size_) return fail(FormatError::size_too_large);
    if (count > (kMaxFormatSize - size_ - padding) / item_size) return fail(FormatError::size_too_large);
    const bool text = known.code == 's' || known.code == 'p';
    const std::size_t values = known.code == 'x' ? 0 : text ? 1 : count;
    member_ = {known.code, size_ + padding, values, text ? count : item_size};
    size_ += padding + count * item_size;
    return true;
  }

  std::string_view format_;
  std::size_t position_ = 0;
  std::size_t size_ = 0;  // of what has been read
  std::endian order_ = std::endian::native;
  bool native_ = true;
  FormatError error_ = FormatError::none;
  FormatMember member_;
};

}  // namespace socketserver::detail
