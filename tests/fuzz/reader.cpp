#include <algorithm>
#include <chrono>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/io/reader.hpp>
#include <vector>

#include "fuzz/targets.hpp"

using namespace socketserver;

namespace {

/// Compares what the calls return with the input: any sequence of calls returns it in order, and loses nothing.
struct Input {
  std::string text;
  std::size_t at = 0;

  std::string_view rest() const { return std::string_view(text).substr(at); }
  void returned(std::string_view part) {
    fuzz::require(rest().starts_with(part), "what is read is the input, in order");
    at += part.size();
  }
};

void read_line(Reader& reader, Input& input, std::size_t max_line) {
  const auto line = reader.readline();
  fuzz::require(line.has_value(), "there is input left");
  fuzz::require(line->size() <= max_line, "a line is no longer than max_line");
  fuzz::require(line->find('\n') + 1 == line->size() || input.at + line->size() == input.text.size(),
                "it ends at the first end");
  input.returned(*line);
}

void read_into_memory(Reader& reader, Input& input, std::size_t bytes) {
  std::string memory(bytes, '\0');
  memory.resize(reader.read(std::as_writable_bytes(std::span(memory))));
  input.returned(memory);
}

void call(Reader& reader, Input& input, std::uint8_t which, std::size_t max_line) {
  const std::size_t number = 1 + which / 8;
  switch (which % 8) {
    case 0: return read_line(reader, input, max_line);
    case 1: return input.returned(reader.readline(number).value_or(""));
    case 2: return input.returned(reader.read(number));
    case 3: return input.returned(reader.read_until(which > 128 ? "ab" : "\r\n").value_or(""));
    case 4: return read_into_memory(reader, input, number);
    case 5: {
      const auto message = reader.message();
      input.returned(reader.read(2));
      return input.returned(reader.read(number));
    }
    case 6: {
      for (const std::string_view line : reader.lines()) return input.returned(line);
      fuzz::require(false, "there is input left");
      return;
    }
    default: {
      const std::string_view seen = reader.peek();
      fuzz::require(!seen.empty() && input.rest().starts_with(seen), "peek shows what is next");
      return input.returned(reader.read(1));
    }
  }
}

}  // namespace

void fuzz::reader(Bytes bytes) {
  Dice dice(bytes);
  const ReaderOptions options{.max_line = 1 + dice.below(64), .read_buffer = 1 + dice.below(32)};
  std::vector<std::uint8_t> calls(1 + dice.below(64));
  for (std::uint8_t& which : calls) which = dice.next();
  std::vector<PeerStep> steps;
  Input input;
  std::size_t pauses = 0;
  while (!dice.empty()) {
    const std::size_t size = dice.below(48);
    if (size >= 40) {
      steps.push_back(PeerStep::pause_past_deadline());
      ++pauses;
    } else if (const std::string_view chunk = dice.text(1 + size); !chunk.empty()) {
      input.text += chunk;
      steps.emplace_back(std::string(chunk));
    }
  }
  MemoryStream stream(steps);
  stream.settimeout(std::chrono::seconds(1));
  Reader reader(stream, options);

  std::size_t timeouts = 0;
  const auto ends_at_last = [&](auto&& last) {
    for (;; ++timeouts) {
      try {
        return last();
      } catch (const TimeoutError&) {
        require(timeouts < pauses, "each pause ends one wait");
      }
    }
  };
  for (std::size_t i = 0; input.at < input.text.size(); ++i) {
    const std::uint8_t which = calls[i % calls.size()];
    const std::size_t before = input.at;
    try {
      call(reader, input, which, options.max_line);
      require(input.at > before, "each call makes progress");
    } catch (const LineTooLong&) {
      require(input.at == before, "nothing is consumed");
      ends_at_last([&] { input.returned(reader.read(1 + which / 8)); });
    } catch (const TimeoutError&) {
      require(++timeouts <= pauses, "each pause ends one wait");
    }
  }
  ends_at_last([&] {
    require(reader.readline() == std::nullopt && reader.read(1).empty() && reader.peek().empty(), "then comes the end");
  });
}
