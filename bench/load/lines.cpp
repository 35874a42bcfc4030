#include "lines.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace bench {
namespace {

// Calls use(part of the line, offset in it, bytes) for each piece of [offset, offset + size) that is in one line and
// on one side of the end of its head.
template <typename Use>
bool for_each_piece(std::size_t line_bytes, std::uint64_t offset, std::size_t size, Use use) {
  std::uint64_t line = offset / line_bytes;
  std::size_t in_line = offset % line_bytes;
  for (std::size_t done = 0; done < size;) {
    const std::size_t end = in_line < Lines::kHead ? Lines::kHead : line_bytes;
    const std::size_t piece = std::min(end - in_line, size - done);
    if (!use(line, in_line, done, piece)) return false;
    done += piece;
    in_line += piece;
    if (in_line == line_bytes) {
      in_line = 0;
      ++line;
    }
  }
  return true;
}

}  // namespace

Lines::Lines(std::size_t line_bytes) {
  if (line_bytes <= kHead) throw std::invalid_argument("a line has at least 17 bytes");
  for (std::size_t i = 0; i + 1 < line_bytes; ++i) question_ += static_cast<char>('a' + i % 26);
  question_ += '\n';
  for (const char c : question_) answer_ += c == '\n' ? c : static_cast<char>(c - 'a' + 'A');
}

std::array<char, Lines::kHead> Lines::head(char first_letter, std::uint32_t client, std::uint64_t line) noexcept {
  std::array<char, kHead> letters;
  for (unsigned i = 0; i < 8; ++i) {
    letters[i] = static_cast<char>(first_letter + static_cast<int>((line >> (28 - 4 * i)) & 15));
    letters[8 + i] = static_cast<char>(first_letter + static_cast<int>((client >> (28 - 4 * i)) & 15));
  }
  return letters;
}

void Lines::ask(std::span<char> to, std::uint32_t client, std::uint64_t offset) const noexcept {
  for_each_piece(
      size(), offset, to.size(), [&](std::uint64_t line, std::size_t in_line, std::size_t at, std::size_t n) {
        const auto letters = in_line < kHead ? head('a', client, line) : std::array<char, kHead>{};
        std::memcpy(to.data() + at, in_line < kHead ? letters.data() + in_line : question_.data() + in_line, n);
        return true;
      });
}

bool Lines::answered(std::span<const char> bytes, std::uint32_t client, std::uint64_t offset) const noexcept {
  return for_each_piece(
      size(), offset, bytes.size(), [&](std::uint64_t line, std::size_t in_line, std::size_t at, std::size_t n) {
        const auto letters = in_line < kHead ? head('A', client, line) : std::array<char, kHead>{};
        return std::memcmp(bytes.data() + at, in_line < kHead ? letters.data() + in_line : answer_.data() + in_line,
                           n) == 0;
      });
}

}  // namespace bench
