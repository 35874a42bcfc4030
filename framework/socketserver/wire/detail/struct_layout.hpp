#pragma once
// A format's layout as constants, and the compiler's words for a format that is wrong.

#include <array>
#include <bit>
#include <cstddef>
#include <socketserver/wire/detail/struct_format.hpp>
#include <string_view>

namespace socketserver::detail {

/// A string literal as a template argument.
template <std::size_t N>
struct FixedString {
  char text[N];

  consteval FixedString(const char (&literal)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
  }
  constexpr std::string_view view() const { return {text, N - 1}; }
};

/// One value of the tuple: where its bytes are.
struct StructItem {
  char code = 0;
  std::size_t offset = 0;
  std::size_t bytes = 0;
};

/// Of a format that is wrong, only the error and where it is; it counts as empty, so that nothing else is
/// reported.
struct FormatSummary {
  std::size_t size = 0;
  std::size_t values = 0;
  std::endian order = std::endian::native;
  bool native = true;
  FormatError error = FormatError::none;
  std::size_t position = 0;
  char character = 0;
};

constexpr FormatSummary wrong_format(std::string_view format, FormatError error, std::size_t position) {
  FormatSummary summary;
  summary.error = error;
  summary.position = position;
  summary.character = position < format.size() ? format[position] : '\0';
  return summary;
}

constexpr FormatSummary summarize(std::string_view format) {
  FormatParser parser(format);
  std::size_t values = 0;
  while (parser.next()) {
    if (parser.member().values > kMaxFormatValues - values) {
      return wrong_format(format, FormatError::too_many_values, parser.position() - 1);
    }
    values += parser.member().values;
  }
  if (parser.error() != FormatError::none) return wrong_format(format, parser.error(), parser.position());
  return {.size = parser.size(), .values = values, .order = parser.order(), .native = parser.native()};
}

/// @tparam Count  the format's number of values.
template <std::size_t Count>
constexpr std::array<StructItem, Count> list_items(std::string_view format) {
  std::array<StructItem, Count> items{};
  std::size_t next = 0;
  FormatParser parser(format);
  while (next < Count && parser.next()) {
    const FormatMember& member = parser.member();
    for (std::size_t i = 0; i < member.values; ++i) {
      items[next++] = {member.code, member.offset + i * member.item_size, member.item_size};
    }
  }
  return items;
}

/// Says what is wrong; the template arguments say where, counting from 0, and at which character.
template <FormatError Error, std::size_t Position, char Character>
struct FormatCheck {
  static constexpr bool kChecked = true;  // naming it makes the compiler look at the rest

  static_assert(Error != FormatError::bad_character,
                "bad char in struct format: it takes x c b B ? h H i I l L q Q n N e f d s p P");
  static_assert(Error != FormatError::count_without_character,
                "struct format: repeat count given without format specifier");
  static_assert(Error != FormatError::blank_after_count,
                "struct format: blank between a repeat count and its format specifier");
  static_assert(Error != FormatError::native_only,
                "struct format: n, N and P are native only, so the prefix is @ or none");
  static_assert(Error != FormatError::prefix_not_first,
                "struct format: a prefix, one of @ = < > !, is the first character or absent");
  static_assert(Error != FormatError::count_too_large, "struct format: repeat count too large");
  static_assert(Error != FormatError::size_too_large, "total struct size too long");
  static_assert(Error != FormatError::too_many_values,
                "struct format: more than 256 values; a block of bytes is one value as s");
};

}  // namespace socketserver::detail
