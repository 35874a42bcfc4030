#include <socketserver/base/text.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace socketserver {
namespace {

constexpr std::string_view kWhiteSpace = " \t\n\r\v\f";

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

/// Unicode's format characters (category Cf), which reorder or hide the text around them, and other text that shows
/// nothing. Source: Unicode 15, DerivedGeneralCategory.txt.
bool is_invisible(char32_t character) {
  struct Range {
    char32_t first;
    char32_t last;
  };
  static constexpr Range kRanges[] = {
      {0xAD, 0xAD},       {0x34F, 0x34F},     {0x600, 0x605},     {0x61C, 0x61C},     {0x6DD, 0x6DD},
      {0x70F, 0x70F},     {0x890, 0x891},     {0x8E2, 0x8E2},     {0x115F, 0x1160},   {0x17B4, 0x17B5},
      {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},   {0x2800, 0x2800},
      {0x3164, 0x3164},   {0xE000, 0xF8FF},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
      {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F},
      {0x16FE4, 0x16FE4}, {0x1BCA0, 0x1BCA3}, {0x1D159, 0x1D159}, {0x1D173, 0x1D17A}, {0xE0000, 0x10FFFF}};
  for (const Range& range : kRanges) {
    if (character >= range.first && character <= range.last) return true;
  }
  return false;
}

/// The character of a sequence that is well-formed, of 2 to 4 bytes.
char32_t character_of(std::string_view sequence) {
  const auto byte = [sequence](std::size_t at) { return static_cast<unsigned char>(sequence[at]); };
  char32_t character = byte(0) & (0xFFU >> (sequence.size() + 1));
  for (std::size_t i = 1; i < sequence.size(); ++i) character = character << 6U | (byte(i) & 0x3FU);
  return character;
}

/// @returns the length of the well-formed UTF-8 sequence at the front, 0 if there is none. C1 controls
/// (U+0080..U+009F), surrogates and overlong forms are none.
/// Source: RFC 3629, section 4.
std::size_t well_formed_sequence(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const auto second = text.size() > 1 ? static_cast<unsigned char>(text[1]) : 0U;
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  if (!continues(text, 1)) return 0;
  if (first >= 0xC2 && first <= 0xDF) return first == 0xC2 && second < 0xA0 ? 0 : 2;
  if (!continues(text, 2)) return 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    return 3;
  }
  if (!continues(text, 3) || first < 0xF0 || first > 0xF4) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return 4;
}

/// @returns the length of the printable sequence at the front, 0 if there is none.
std::size_t printable_sequence(std::string_view text) {
  const std::size_t length = well_formed_sequence(text);
  return length > 1 && is_invisible(character_of(text.substr(0, length))) ? 0 : length;
}

std::string escape_byte(char byte) {
  switch (byte) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: break;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  return {'\\', 'x', kHex[value >> 4U], kHex[value & 0xFU]};
}

/// Eight characters at once. In each byte's lower seven bits, adding 0x80 - 'a' sets the top bit from 'a' on, and
/// 0x7F - 'z' from the character after 'z' on; no sum reaches the next byte.
std::uint64_t upper_eight(std::uint64_t word) {
  constexpr std::uint64_t kEach = 0x0101010101010101U;
  const std::uint64_t low = word & (0x7F * kEach);
  const std::uint64_t from_a = low + (0x80 - 'a') * kEach;
  const std::uint64_t past_z = low + (0x7F - 'z') * kEach;
  const std::uint64_t letters = from_a & ~past_z & ~word & (0x80 * kEach);
  return word - (letters >> 2U);  // 0x20, the distance of the cases, in each byte that is a small letter
}

}  // namespace

std::string_view strip(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::size_t i = 0;
  for (std::uint64_t word = 0; i + sizeof word <= out.size(); i += sizeof word) {
    std::memcpy(&word, out.data() + i, sizeof word);
    word = upper_eight(word);
    std::memcpy(out.data() + i, &word, sizeof word);
  }
  for (; i < out.size(); ++i) {
    if (out[i] >= 'a' && out[i] <= 'z') out[i] = static_cast<char>(out[i] - 'a' + 'A');
  }
  return out;
}

std::string escaped(std::string_view text, std::size_t limit_bytes) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = printable_sequence(text);
    const std::string piece = length == 0 ? escape_byte(text[0]) : std::string(text.substr(0, length));
    if (out.size() + piece.size() > limit_bytes) return concat(out, "... (", text.size(), " bytes more)");
    out += piece;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string string_literal(std::string_view bytes) {
  const std::string_view suffix = bytes.find('\0') == std::string_view::npos ? "" : "sv";
  std::string out = "\"";
  bool hex = false;  // the literal ends in \xNN, which a hexadecimal digit would extend
  while (!bytes.empty()) {
    const std::size_t length = printable_sequence(bytes);
    const bool special = bytes[0] == '"' || bytes[0] == '\\';
    if (hex && std::isxdigit(static_cast<unsigned char>(bytes[0])) != 0) out += "\" \"";
    if (special) out += '\\';
    const std::string piece = length == 0 ? escape_byte(bytes[0]) : std::string(bytes.substr(0, length));
    hex = piece.starts_with("\\x");
    out += piece;
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return concat(out, '"', suffix);
}

std::size_t edit_distance(std::string_view from, std::string_view to) {
  // Rows of the usual table; `before` is two rows up, for the exchange of two neighbours.
  std::vector<std::size_t> before;
  std::vector<std::size_t> above;
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1)});
      const bool exchanged = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (exchanged) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

std::string seconds_text(double seconds) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, seconds).ptr;
  return std::string(digits, end) + " s";
}

}  // namespace socketserver
