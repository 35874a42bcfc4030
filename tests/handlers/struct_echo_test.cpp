#include <socketserver/handlers/struct_echo.hpp>
#include <socketserver/io/memory_stream.hpp>

#include "support/catch.hpp"

using namespace socketserver;
using namespace std::chrono_literals;

namespace {

class Listener : public StructEchoHandler {
 public:
  std::vector<std::string> lines;

 protected:
  void log(std::string_view line) override { lines.emplace_back(line); }
  void log_warning(std::string_view line) override { lines.push_back("warning: " + std::string(line)); }
};

std::string record(std::uint32_t id = 1) {
  const auto bytes = StructEchoHandler::Record::pack(id, "ab", 2, 3, 3, 2.5);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const std::string kLine = R"(record (1, "ab", 2, 3, 3, 2.5))";

/// @returns the only line that was logged.
std::string log_of(MemoryStream& stream) {
  Request request(stream);
  Listener handler;
  handler.run(request);
  CHECK(stream.try_sendall("x").error);  // its direction is ended
  REQUIRE(handler.lines.size() == 1);
  return handler.lines[0];
}

}  // namespace

TEST_CASE("StructEchoHandler echoes a text and unpacks the record that follows") {
  MemoryStream stream({"hello\n", record()});
  CHECK(log_of(stream) == kLine);
  CHECK(stream.written() == "hello\n");
}

TEST_CASE("a record that came together with the line is found behind it") {
  MemoryStream stream({"hello\n" + record()});
  CHECK(log_of(stream) == kLine);
  CHECK(stream.written() == "hello\n" + record());  // one receive, one echo

  MemoryStream in_part({"hello\n" + record().substr(0, 5), record().substr(5)});
  CHECK(log_of(in_part) == kLine);
}

TEST_CASE("a record is complete however it is cut") {
  for (std::size_t cut = 1; cut < StructEchoHandler::Record::size; ++cut) {
    MemoryStream stream({"hello\n", record().substr(0, cut), record().substr(cut)});
    CHECK(log_of(stream) == kLine);
    CHECK(stream.written() == "hello\n");
  }
}

TEST_CASE("a text without an end is what the first receive brought") {
  MemoryStream stream({"hello", record(10)});  // whose first bytes hold a '\n'
  CHECK(log_of(stream) == R"(record (10, "ab", 2, 3, 3, 2.5))");
  CHECK(stream.written() == "hello");
}

TEST_CASE("what follows the record is read and left alone") {
  MemoryStream stream({"hello\n", record() + "more", "and more"});
  CHECK(log_of(stream) == kLine);
  CHECK(stream.unread().empty());
}

TEST_CASE("a short record and a missing one are a line each") {
  MemoryStream cut({"hello\n", record().substr(0, 21)});
  CHECK(log_of(cut) == "the record ends after 21 of 22 bytes");
  MemoryStream missing({"hello\n"});
  CHECK(log_of(missing) == "the record ends after 0 of 22 bytes");
}

TEST_CASE("a line that does not end within 1024 bytes is a warning, and nothing is decoded") {
  MemoryStream stream({std::string(1024, 'a') + "aaa\n" + record()});
  CHECK(log_of(stream) == "warning: the line is longer than 1024 bytes; no record is read");
  CHECK(stream.written() == std::string(1024, 'a'));
  CHECK(stream.unread().empty());
}

TEST_CASE("a line of 1024 bytes with its end is taken") {
  MemoryStream stream({std::string(1023, 'a') + "\n" + record()});
  CHECK(log_of(stream) == kLine);
  CHECK(stream.written() == std::string(1023, 'a') + "\n");
}

TEST_CASE("a peer that says nothing is no line, only the end") {
  MemoryStream stream;
  Request request(stream);
  Listener handler;
  handler.run(request);
  CHECK(handler.lines.empty());
  CHECK(stream.try_sendall("x").error);
}

TEST_CASE("without a server StructEchoHandler logs nowhere") {
  MemoryStream stream({"hello\n", record()});
  Request request(stream);
  StructEchoHandler handler;
  handler.run(request);
  CHECK(stream.written() == "hello\n");
}

TEST_CASE("a record that drips has one deadline from its first byte on") {
  MemoryStream stream({"hello\n", record().substr(0, 1), PeerStep::pause(6s), record().substr(1, 1),
                       PeerStep::pause(6s), record().substr(2)});
  stream.settimeout(10s);
  Request request(stream);
  Listener handler;
  CHECK_THROWS_AS(handler.run(request), TimeoutError);
  CHECK(handler.lines.empty());
}
