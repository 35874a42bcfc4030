#pragma once
// What each client sends and what it must be answered: no two lines of a run are equal, so that an answer that is
// lost, doubled, late or another client's does not go unseen.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace bench {

/// Every client's lines, each of the same size. A line: 8 letters for its number, 8 for the client, letters, '\n'.
class Lines {
 public:
  static constexpr std::size_t kHead = 16;

  /// @throws std::invalid_argument  the size leaves no room for the numbers and the line's end
  explicit Lines(std::size_t line_bytes);

  std::size_t size() const noexcept { return question_.size(); }

  /// Fills `to` with what the client sends from that offset of its whole output on.
  void ask(std::span<char> to, std::uint32_t client, std::uint64_t offset) const noexcept;

  /// @returns whether these bytes are the answers' from that offset on.
  bool answered(std::span<const char> bytes, std::uint32_t client, std::uint64_t offset) const noexcept;

 private:
  static std::array<char, kHead> head(char first_letter, std::uint32_t client, std::uint64_t line) noexcept;

  std::string question_;  // a line with its head left out
  std::string answer_;
};

}  // namespace bench
