#include <socketserver/base/text.hpp>

#include "support/catch.hpp"

using namespace socketserver;

TEST_CASE("strip removes ASCII white space at both ends only") {
  CHECK(strip(" \t a b\r\n\v\f") == "a b");
  CHECK(strip("") == "");
  CHECK(strip(" \n") == "");
}

TEST_CASE("upper changes ASCII letters and leaves every other byte alone") {
  CHECK(upper("az AZ 09 {`") == "AZ AZ 09 {`");
  CHECK(upper("stra\xC3\x9F"
              "e \xE4") ==
        "STRA\xC3\x9F"
        "E \xE4");
}

TEST_CASE("escaped gives one printable line") {
  CHECK(escaped("a\nb\r\tc") == "a\\nb\\r\\tc");
  CHECK(escaped(std::string("\0\x1b[31m\x7f", 7)) == "\\x00\\x1b[31m\\x7f");
  CHECK(escaped("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80") ==
        "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80");
}

TEST_CASE("escaped escapes what only looks like UTF-8") {
  CHECK(escaped("\x80") == "\\x80");
  CHECK(escaped("\xC3") == "\\xc3");
  CHECK(escaped("\xC0\xAF") == "\\xc0\\xaf");                    // overlong
  CHECK(escaped("\xE0\x80\xAF") == "\\xe0\\x80\\xaf");           // overlong
  CHECK(escaped("\xED\xA0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(escaped("\xF4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // past U+10FFFF
  CHECK(escaped("\xC2\x9B"
                "31m") ==
        "\\xc2\\x9b"
        "31m");                                         // U+009B, a control sequence introducer
  CHECK(escaped("\xE2\x80\xA8") == "\\xe2\\x80\\xa8");  // U+2028, a line separator
}

TEST_CASE("escaped shows what reorders or hides text") {
  CHECK(escaped("\xE2\x80\xAE") == "\\xe2\\x80\\xae");           // U+202E, right to left from here on
  CHECK(escaped("\xE2\x81\xA6") == "\\xe2\\x81\\xa6");           // U+2066, an isolate
  CHECK(escaped("a\xE2\x80\x8B") == "a\\xe2\\x80\\x8b");         // U+200B, of no width
  CHECK(escaped("\xEF\xBB\xBF") == "\\xef\\xbb\\xbf");           // U+FEFF
  CHECK(escaped("\xC2\xAD") == "\\xc2\\xad");                    // U+00AD, a soft hyphen
  CHECK(escaped("\xF3\xA0\x81\x81") == "\\xf3\\xa0\\x81\\x81");  // U+E0041, a tag
  const std::string shown = "\xC3\xA9 \xE4\xB8\xAD \xE2\x82\xAC \xF0\x9F\x98\x80";  // letters, a sign, a face
  CHECK(escaped(shown) == shown);
}

TEST_CASE("escaped cuts long text and says how much is missing") {
  CHECK(escaped("abcdef", 6) == "abcdef");
  CHECK(escaped("abcdef", 4) == "abcd... (2 bytes more)");
  CHECK(escaped("abc\n", 4) == "abc... (1 bytes more)");
}

TEST_CASE("escaping twice changes nothing") {
  const std::string once = escaped("a\\b\n\x1b");
  CHECK(escaped(once) == once);
}

TEST_CASE("edit_distance counts insertions, deletions, replacements and exchanges") {
  CHECK(edit_distance("port", "port") == 0);
  CHECK(edit_distance("prot", "port") == 1);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("concat joins texts, characters and whole numbers") {
  CHECK(concat("a", std::string("b"), 'c', 12U, -3) == "abc12-3");
  CHECK(seconds_text(60) == "60 s");
  CHECK(seconds_text(0.25) == "0.25 s");
}

TEST_CASE("bytes are quoted as a C++ literal of the same bytes") {
  CHECK(string_literal("") == R"("")");
  CHECK(string_literal("a \"b\" \\ \n\r\t") == R"("a \"b\" \\ \n\r\t")");
  CHECK(string_literal("gr\xc3\xbc\xc3\x9f") == "\"gr\xc3\xbc\xc3\x9f\"");
  CHECK(string_literal("\x01g\xff" + std::string("f")) == R"("\x01g\xff" "f")");  // \xfff would be one character
  CHECK(string_literal(std::string("a\0", 2)) == R"("a\x00"sv)");
  CHECK(string_literal(std::string(5000, 'a')).size() == 5002);
}
