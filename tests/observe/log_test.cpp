#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <socketserver/observe/log.hpp>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "support/catch.hpp"

using namespace socketserver;

namespace {

class TemporaryFile {
 public:
  TemporaryFile() { ::close(::mkstemp(path_.data())); }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }
  std::string text() const {
    std::stringstream all;
    all << std::ifstream(path_).rdbuf();
    return all.str();
  }

 private:
  std::string path_ = "/tmp/socketserver_log_XXXXXX";
};

std::string logged(const std::string& pattern, std::string_view message) {
  const TemporaryFile file;
  Logger({.pattern = pattern, .file = file.path()}).info(message);
  return file.text();
}

}  // namespace

TEST_CASE("a pattern's fields are replaced") {
  const std::string pid = std::to_string(::getpid());
  CHECK(logged("[{processName} ({process})] {message}", "hello") == "[observe_test (" + pid + ")] hello\n");
  CHECK(logged("{level}: 100% {{x}} {message}", "m") == "info: 100% {x} m\n");
  CHECK(std::regex_match(logged("{time} {message}", "m"), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} m\n)")));
}

TEST_CASE("a pattern with an unknown field or a lone brace is refused") {
  for (const char* pattern : {"{nosuch}", "{message", "message}", "{}"}) {
    CHECK_THROWS_AS(check_log_pattern(pattern), std::invalid_argument);
  }
  CHECK_NOTHROW(check_log_pattern(""));
}

TEST_CASE("only lines of the level and above are written") {
  const TemporaryFile file;
  Logger log({.level = LogLevel::warning, .pattern = "{message}", .file = file.path()});
  log.debug("1");
  log.info("2");
  log.warning("3");
  log.error("4");
  CHECK(file.text() == "3\n4\n");
  CHECK_FALSE(log.enabled(LogLevel::info));
  CHECK(log.enabled(LogLevel::warning));
  CHECK_FALSE(Logger({.level = LogLevel::off}).enabled(LogLevel::error));
}

TEST_CASE("the file is appended to") {
  const TemporaryFile file;
  for (int i = 0; i < 2; ++i) Logger({.pattern = "{message}", .file = file.path()}).info("x");
  CHECK(file.text() == "x\nx\n");
}

TEST_CASE("a file that was renamed is opened anew, and one that cannot be stays open") {
  const auto folder = std::filesystem::temp_directory_path() / ("log_reopen." + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string file = folder / "log";
  const auto content = [](const std::string& name) {
    std::ifstream in(name);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  Logger log({.pattern = "{message}", .file = file});
  log.info("one");
  std::filesystem::rename(file, file + ".1");
  log.info("two");
  log.reopen();
  log.info("three");
  CHECK(content(file + ".1") == "one\ntwo\n");
  CHECK(content(file) == "three\n");
  std::filesystem::rename(folder, folder.string() + ".moved");
  CHECK_THROWS_AS(log.reopen(), std::system_error);
  log.info("four");
  CHECK(content(folder.string() + ".moved/log") == "three\nfour\n");
  std::filesystem::remove_all(folder.string() + ".moved");
  Logger to_standard_error(LogConfig{.level = LogLevel::off});
  CHECK_NOTHROW(to_standard_error.reopen());
}

TEST_CASE("nothing in a message adds a line or a control character, and long ones are cut") {
  const std::string evil = std::string("a\r\nb\x1b[2J\0c", 10) + std::string(2048, 'x');
  const std::string line = logged("{message}", evil);
  CHECK(line.starts_with("a\\r\\nb\\x1b[2J\\x00c"));
  CHECK(std::count_if(line.begin(), line.end(), [](char c) { return c >= 0 && c < 0x20; }) == 1);  // its own end
  CHECK(line.size() < 1100);
}

TEST_CASE("a brace in a message is no field") { CHECK(logged("{message}", "{message} {} %v") == "{message} {} %v\n"); }

TEST_CASE("a file that cannot be opened is an error that names it") {
  try {
    const Logger log({.file = "/no/such/folder/x.log"});
    FAIL("no exception");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::no_such_file_or_directory);
    CHECK(std::string(error.what()).find("/no/such/folder/x.log") != std::string::npos);
  }
}

TEST_CASE("a standard error that nobody reads stops nobody who logs, and the lines that it cost are counted") {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  const int kept = ::dup(STDERR_FILENO);
  const auto read_out = [&pipe] {
    std::string text(1 << 20, '\0');
    text.resize(static_cast<std::size_t>(::read(pipe[0], text.data(), text.size())));
    return text;
  };
  Logger log({.pattern = "{level} {message}"});
  ::dup2(pipe[1], STDERR_FILENO);
  const std::string long_line(1000, 'x');
  constexpr int kLines = 200;  // more than a pipe holds
  for (int i = 0; i < kLines; ++i) log.info(long_line);
  std::string all = read_out();
  log.error("read again");
  all += read_out();
  ::dup2(kept, STDERR_FILENO);
  for (const int fd : {kept, pipe[0], pipe[1]}) ::close(fd);
  const auto written = std::count(all.begin(), all.end(), '\n') - 2;
  CHECK(written > 10);
  CHECK(all.ends_with("\nwarning lines lost, which nobody read: " + std::to_string(kLines - written) +
                      "\nerror read again\n"));
}
