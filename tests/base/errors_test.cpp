#include <socketserver/base/errors.hpp>

#include "support/catch.hpp"

using namespace socketserver;

TEST_CASE("a timeout and a long line are stream errors with the field's codes") {
  const TimeoutError timeout("sendall", 7);
  CHECK(timeout.code() == std::errc::timed_out);
  CHECK(timeout.bytes_transferred() == 7);
  const LineTooLong line(80);
  CHECK(line.code() == std::errc::message_size);
  CHECK(std::string(line.what()).find("80 bytes") != std::string::npos);
  CHECK(dynamic_cast<const StreamError*>(static_cast<const std::system_error*>(&line)) != nullptr);
}

TEST_CASE("a configuration error is one line that names its place") {
  const ConfigError syntax({"a.json", "/listen", 3, 7}, "not JSON");
  CHECK(std::string(syntax.what()) == "a.json:3:7: not JSON");
  const ConfigError value({"a.json", "/listen/port"}, "got\n\x1b[31m");
  CHECK(std::string(value.what()) == "a.json: /listen/port: got\\n\\x1b[31m");
  CHECK(value.pointer() == "/listen/port");
  CHECK(value.file() == "a.json");
  CHECK(std::string(ConfigError({"a.json", ""}, "x").what()) == "a.json: x");
}
