#include <numeric>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/io/reader.hpp>
#include <socketserver/io/writer.hpp>
#include <vector>

#include "support/catch.hpp"

using namespace socketserver;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> all_lines(Reader& reader) {
  std::vector<std::string> lines;
  for (const std::string_view line : reader.lines()) lines.emplace_back(line);
  return lines;
}

}  // namespace

TEST_CASE("readline keeps the end of the line and leaves a carriage return alone") {
  MemoryStream stream("a\r\nbc\n");
  Reader reader(stream);
  CHECK(reader.readline() == "a\r\n");
  CHECK(reader.readline() == "bc\n");
  CHECK(reader.readline() == std::nullopt);
  CHECK(reader.readline() == std::nullopt);
}

TEST_CASE("the unterminated rest comes once, then EOF") {
  MemoryStream stream({"one\ntw", "o"});
  Reader reader(stream);
  CHECK(all_lines(reader) == std::vector<std::string>{"one\n", "two"});
}

TEST_CASE("an empty line is a line") {
  MemoryStream stream("\n\na\n");
  Reader reader(stream);
  CHECK(all_lines(reader) == std::vector<std::string>{"\n", "\n", "a\n"});
}

TEST_CASE("lines do not depend on how the input is cut") {
  const std::string input = "alpha\nbe\n\ngamma ray\nrest";
  for (std::size_t first = 0; first <= input.size(); ++first) {
    for (std::size_t second = first; second <= input.size(); ++second) {
      MemoryStream stream({input.substr(0, first), input.substr(first, second - first), input.substr(second)});
      Reader reader(stream, {.max_line = 16, .read_buffer = 4});
      CHECK(all_lines(reader) == std::vector<std::string>{"alpha\n", "be\n", "\n", "gamma ray\n", "rest"});
    }
  }
}

TEST_CASE("readline with a limit returns a part, and the next call continues") {
  MemoryStream stream("world\nx");
  Reader reader(stream);
  CHECK(reader.readline(3) == "wor");
  CHECK(reader.readline(0) == "");
  CHECK(reader.readline(3) == "ld\n");
  CHECK(reader.readline(100) == "x");
  CHECK(reader.readline(100) == std::nullopt);
}

TEST_CASE("a line longer than the limit consumes nothing") {
  MemoryStream stream("123456789\nab\n");
  Reader reader(stream, {.max_line = 9, .read_buffer = 4});
  CHECK_THROWS_AS(reader.readline(), LineTooLong);
  CHECK_THROWS_AS(reader.readline(), LineTooLong);
  CHECK(reader.readline(5) == "12345");
  CHECK(reader.readline() == "6789\n");
  CHECK(reader.readline() == "ab\n");
}

TEST_CASE("a line of exactly the limit is read, its end included") {
  MemoryStream stream("12345678\n12345678");
  Reader reader(stream, {.max_line = 9, .read_buffer = 4});
  CHECK(reader.readline() == "12345678\n");
  CHECK(reader.readline() == "12345678");
}

TEST_CASE("a line that never ends is read no further than the limit") {
  MemoryStream stream(std::string(1 << 20, 'a'));
  Reader reader(stream, {.max_line = 1000, .read_buffer = 100});
  CHECK_THROWS_AS(reader.readline(), LineTooLong);
  CHECK(stream.unread().size() >= (1 << 20) - 1000);
}

TEST_CASE("read returns n bytes, fewer only at EOF") {
  MemoryStream stream({"ab", "cdef", "g"});
  Reader reader(stream);
  CHECK(reader.read(3) == "abc");
  CHECK(reader.read(0) == "");
  CHECK(reader.read(10) == "defg");
  CHECK(reader.read(1) == "");
}

TEST_CASE("read fetches large counts, whether or not a part is buffered") {
  std::string big(300'000, '\0');
  std::iota(big.begin(), big.end(), '\0');
  MemoryStream stream({"head\n" + big.substr(0, 10), big.substr(10)});
  Reader reader(stream);
  CHECK(reader.readline() == "head\n");
  CHECK(reader.read(big.size()) == big);
}

TEST_CASE("read into the caller's memory fills it") {
  MemoryStream stream({"abc", "defgh"});
  Reader reader(stream, {.read_buffer = 4});
  std::array<std::byte, 6> into{};
  CHECK(reader.read(into) == 6);
  CHECK(std::string(reinterpret_cast<const char*>(into.data()), 6) == "abcdef");
  CHECK(reader.read(into) == 2);
}

TEST_CASE("read_until takes a delimiter that is cut anywhere") {
  const std::string input = "GET /\r\n\r\nbody";
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    MemoryStream stream({input.substr(0, cut), input.substr(cut)});
    Reader reader(stream, {.read_buffer = 2});
    CHECK(reader.read_until("\r\n\r\n") == "GET /\r\n\r\n");
    CHECK(reader.read_until("\r\n\r\n") == "body");
    CHECK(reader.read_until("\r\n\r\n") == std::nullopt);
  }
}

TEST_CASE("peek waits for a byte and consumes none") {
  MemoryStream stream("abc");
  Reader reader(stream);
  CHECK(reader.peek() == "abc");
  CHECK(reader.peek() == "abc");
  CHECK(reader.read(3) == "abc");
  CHECK(reader.peek() == "");
}

TEST_CASE("silence before a message ends at the idle clock, in a message at the read clock") {
  MemoryStream stream({PeerStep::pause(59s), "a\n", "b", PeerStep::pause_past_deadline(), "c\n",
                       PeerStep::pause_past_deadline(), "d\n"});
  stream.set_timeouts({.idle = 60s, .read = 30s, .write = 10s});
  Reader reader(stream);
  CHECK(reader.readline() == "a\n");
  TimePoint before = stream.clock().now();
  CHECK_THROWS_AS(reader.readline(), TimeoutError);
  CHECK(stream.clock().now() - before == 30s);
  CHECK(reader.readline() == "bc\n");
  before = stream.clock().now();
  CHECK_THROWS_AS(reader.readline(), TimeoutError);
  CHECK(stream.clock().now() - before == 60s);
  CHECK(reader.readline() == "d\n");
}

TEST_CASE("a drip does not extend the read clock") {
  MemoryStream stream({"a", PeerStep::pause(20s), "b", PeerStep::pause(20s), "c", PeerStep::pause(20s), "\n"});
  stream.set_timeouts({.idle = 60s, .read = 30s, .write = 10s});
  Reader reader(stream);
  const TimePoint before = stream.clock().now();
  CHECK_THROWS_AS(reader.readline(), TimeoutError);
  CHECK(stream.clock().now() - before == 30s);
}

TEST_CASE("the read clock also bounds counted reads, large and small") {
  for (const std::size_t n : {10U, 100'000U}) {
    MemoryStream stream({"a", PeerStep::pause(20s), "b", PeerStep::pause(20s), "c"});
    stream.set_timeouts({.idle = 60s, .read = 30s, .write = 10s});
    Reader reader(stream);
    const TimePoint before = stream.clock().now();
    CHECK_THROWS_AS(reader.read(n), TimeoutError);
    CHECK(stream.clock().now() - before == 30s);
    CHECK(reader.read(n) == "abc");  // nothing was lost, and the clock restarts
  }
}

TEST_CASE("the lifetime bounds every wait") {
  MemoryStream stream({"a\n", PeerStep::pause_past_deadline()});
  stream.set_timeouts({.idle = 60s, .read = 30s, .write = 10s});
  stream.set_lifetime(Deadline::after(5s, stream.clock()));
  Reader reader(stream);
  CHECK(reader.readline() == "a\n");
  CHECK_THROWS_AS(reader.readline(), TimeoutError);
  CHECK(stream.clock().now() == TimePoint{} + 5s);
}

TEST_CASE("a reset is a stream error and keeps what came before") {
  MemoryStream stream({"ab", PeerStep::reset()});
  Reader reader(stream);
  CHECK_THROWS_AS(reader.readline(), StreamError);
  CHECK(reader.readline(2) == "ab");
}

TEST_CASE("a drain ends the wait for a message but not a message that has begun") {
  MemoryStream stream({"a", PeerStep::pause(1s), "b\n", PeerStep::pause(1s), "c\n"});
  stream.set_timeouts({.idle = 60s, .read = 30s, .write = 10s});
  stream.drain();
  Reader reader(stream);
  CHECK(reader.readline() == "ab\n");
  CHECK(reader.readline() == std::nullopt);
}

TEST_CASE("the idle time begins when a slow peer has taken the answer") {
  MemoryStream stream(
      {"a\n", PeerStep::stop_reading(), PeerStep::pause(20s), PeerStep::resume_reading(), PeerStep::pause(55s), "b\n"});
  stream.set_timeouts({.idle = 60s, .read = 30s, .write = 30s});
  Reader reader(stream);
  Writer writer(stream);
  stream.tie(&writer);
  CHECK(reader.readline() == "a\n");
  writer << "A\n";
  CHECK(reader.readline() == "b\n");
  CHECK(stream.clock().now() == TimePoint{} + 75s);
}

TEST_CASE("the read clock starts when a slow peer has taken the answer before") {
  MemoryStream stream({"a\nb", PeerStep::stop_reading(), PeerStep::pause(25s), PeerStep::resume_reading(),
                       PeerStep::pause(25s), "c\n"});
  stream.set_timeouts({.idle = 60s, .read = 30s, .write = 30s});
  Reader reader(stream);
  Writer writer(stream);
  stream.tie(&writer);
  CHECK(reader.readline() == "a\n");
  writer << "A\n";
  CHECK(reader.readline() == "bc\n");
  CHECK(stream.clock().now() == TimePoint{} + 50s);
}

TEST_CASE("an answer that cannot be sent before a wait is no idle timeout") {
  MemoryStream stream({"a\n", PeerStep::stop_reading()});
  stream.set_timeouts({.idle = 60s, .read = 30s, .write = 10s});
  Reader reader(stream);
  Writer writer(stream);
  stream.tie(&writer);
  CHECK(reader.readline() == "a\n");
  writer << "A\n";
  CHECK_THROWS_WITH(reader.readline(), Catch::Matchers::StartsWith("sendall"));
}

TEST_CASE("the read clock does not restart with each block of a long read") {
  const std::string block(70'000, 'x');  // longer than what read(n) fetches at a time
  MemoryStream stream({block, PeerStep::pause(20s), block, PeerStep::pause(20s), block});
  stream.set_timeouts({.idle = 60s, .read = 30s, .write = 10s});
  Reader reader(stream);
  const TimePoint before = stream.clock().now();
  CHECK_THROWS_AS(reader.read(3 * block.size()), TimeoutError);
  CHECK(stream.clock().now() - before == 30s);
}

TEST_CASE("readline with a limit past max_line is readline") {
  for (const std::size_t cut : {5U, 13U}) {
    const std::string line = "1234567890123\n";
    MemoryStream stream({line.substr(0, cut), line.substr(cut)});
    Reader reader(stream, {.max_line = 10, .read_buffer = 4});
    CHECK_THROWS_AS(reader.readline(20), LineTooLong);
  }
}

TEST_CASE("a message of several parts has one read clock") {
  MemoryStream stream({"5\n", PeerStep::pause(20s), "he", PeerStep::pause(20s), "llo"});
  stream.set_timeouts({.idle = 60s, .read = 30s, .write = 10s});
  Reader reader(stream);
  const TimePoint before = stream.clock().now();
  {
    const Reader::Message message = reader.message();
    CHECK(reader.readline() == "5\n");
    CHECK_THROWS_AS(reader.read(5), TimeoutError);
  }
  CHECK(stream.clock().now() - before == 30s);
  CHECK(reader.read(5) == "hello");
}

TEST_CASE("a drain lets a message of several parts arrive in full, and then ends") {
  MemoryStream stream({"5\n", PeerStep::pause(1s), "hello", PeerStep::pause(1s), "6\n"});
  stream.set_timeouts({.idle = 60s, .read = 30s, .write = 10s});
  Reader reader(stream);
  {
    const Reader::Message message = reader.message();
    CHECK(reader.readline() == "5\n");
    stream.drain();
    CHECK(reader.read(5) == "hello");
  }
  const Reader::Message next = reader.message();
  CHECK(reader.readline() == std::nullopt);
}
