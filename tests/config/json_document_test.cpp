#include <socketserver/base/errors.hpp>
#include <socketserver/config/json_document.hpp>
#include <string>
#include <string_view>

#include "support/catch.hpp"

using namespace socketserver;

namespace {

detail::Json parsed(std::string_view text) { return detail::parse_strictly(text, "<text>"); }

ConfigError json_error(std::string_view text) {
  try {
    (void)parsed(text);
  } catch (const ConfigError& error) {
    return error;
  }
  return {{"", "(no error)"}, ""};
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("what is not JSON is an error with line and column") {
  struct Bad {
    std::string text;
    std::size_t line, column;
    std::string says;
  };
  const auto bad = GENERATE(values<Bad>({
      {"", 1, 1, "empty"},
      {" \n", 1, 1, "empty"},
      {"{\n  \"listen\": {", 2, 14, "end of input"},
      {"{\n  \"limits\": {},\n}", 3, 1, "expected string literal"},
      {"{\"a\": tru}", 1, 10, "invalid literal"},
      {"\xEF\xBB\xBF{}", 1, 1, "byte order mark"},
      {std::string("\xFF\xFE{\0}\0", 6), 1, 1, "UTF-16"},
      {std::string("{\0}\0", 4), 1, 1, "UTF-16"},
      {"{\"log\": {\"file\": \"\xFF\"}}", 1, 19, "UTF-8"},
      {"{} {}", 1, 4, "end of input"},
      {"{\"timeouts\": {\"idle\": 1e999}}", 1, 27, "overflow"},
  }));
  const ConfigError error = json_error(bad.text);
  CAPTURE(bad.text, error.what());
  CHECK(error.line() == bad.line);
  CHECK(error.column() == bad.column);
  CHECK(std::string(error.what()).find(bad.says) != std::string::npos);
  CHECK(std::string(error.what()).starts_with("<text>:" + std::to_string(bad.line) + ":"));
}

TEST_CASE("a nesting bomb is refused at its 65th level") {
  for (const std::string& bomb : {repeated("[", 1'000'000), R"({"app":)" + repeated(R"({"a":)", 1'000'000)}) {
    const ConfigError error = json_error(bomb);
    CHECK(std::string(error.what()).find("deeper than 64") != std::string::npos);
    CHECK(error.pointer().size() > 64);
  }
  CHECK_NOTHROW(parsed(R"({"app":{"a":)" + repeated("[", 62) + repeated("]", 62) + "}}"));
}

TEST_CASE("a document of 100,000 keys is read in one pass") {
  std::string text = R"({"app":{)";
  for (int i = 0; i < 100'000; ++i) text += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":1";
  CHECK_NOTHROW(parsed(text + "}}"));  // comparing each with all took minutes
  CHECK_THROWS_AS(parsed(text + ",\"5\":2}}"), ConfigError);
}

TEST_CASE("a key that is there twice is an error that names it, in any object") {
  CHECK(json_error(R"({"a": 1, "b": 2, "a": 3})").pointer() == "/a");
  CHECK(json_error(R"({"x": [{}, {"a": {"b": 1, "b": 1}}]})").pointer() == "/x/1/a/b");
  CHECK_NOTHROW(parsed(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]})"));
}

TEST_CASE("a pointer escapes what would be read as another one") {
  CHECK(detail::child_pointer("", "a") == "/a");
  CHECK(detail::child_pointer("/a", "b/c~d") == "/a/b~1c~0d");
  CHECK(detail::child_pointer("/a", "") == "/a/");
}
