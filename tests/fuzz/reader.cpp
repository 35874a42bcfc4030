#include <algorithm>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/io/reader.hpp>
#include <vector>

#include "fuzz/targets.hpp"

using namespace socketserver;

void fuzz::reader(Bytes bytes) {
  Dice dice(bytes);
  const ReaderOptions options{.max_line = 1 + dice.below(64), .read_buffer = 1 + dice.below(32)};
  std::vector<std::uint8_t> calls(dice.below(64));
  for (std::uint8_t& call : calls) call = dice.next();
  std::vector<PeerStep> steps;
  std::string input;
  while (!dice.empty()) {
    const std::string_view chunk = dice.text(1 + dice.below(40));
    input += chunk;
    if (!chunk.empty()) steps.emplace_back(std::string(chunk));
  }
  MemoryStream stream(steps);
  Reader reader(stream, options);

  // Whatever the calls, what they return is the input from here on, and nothing is lost.
  std::size_t at = 0;
  const auto returned = [&](std::string_view part) {
    require(std::string_view(input).substr(at, part.size()) == part, "what is read is the input, in order");
    at += part.size();
  };
  for (std::size_t i = 0; at < input.size() && i < 10 * input.size() + 100; ++i) {
    const std::uint8_t call = calls.empty() ? std::uint8_t{0} : calls[i % calls.size()];
    const std::size_t before = at;
    try {
      switch (call % 5) {
        case 0: {
          const auto line = reader.readline();
          require(line.has_value(), "there is input left");
          require(line->size() <= options.max_line, "a line is no longer than max_line");
          require(line->find('\n') + 1 == line->size() || at + line->size() == input.size(),
                  "it ends at the first end");
          returned(*line);
          break;
        }
        case 1: returned(reader.readline(1 + call / 5 % 20).value_or("")); break;
        case 2: returned(reader.read(1 + call / 5)); break;
        case 3: returned(reader.read_until(call > 128 ? "ab" : "\r\n").value_or("")); break;
        default: {
          const std::string_view seen = reader.peek();
          require(!seen.empty() && std::string_view(input).substr(at, seen.size()) == seen, "peek shows what is next");
          returned(reader.read(1));
        }
      }
      require(at > before, "each call makes progress");
    } catch (const LineTooLong&) {
      require(at == before, "nothing is consumed");
      returned(reader.read(1 + call / 5));
    }
  }
  require(at == input.size(), "all of it is read in the end");
  require(reader.readline() == std::nullopt && reader.read(1).empty() && reader.peek().empty(), "then comes the end");
}
