#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <socketserver/base/sanitizers.hpp>
#include <socketserver/observe/log.hpp>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "support/catch.hpp"
#include "support/eventually.hpp"

using namespace socketserver;
using testing_support::eventually;

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

TEST_CASE("a file that was renamed is reopened, and one that cannot be reopened stays open") {
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

namespace {

enum class Kind { pipe, socket, terminal };

/// Stands in for standard error while it lives; its other end reads what it is asked to.
class StandardError {
 public:
  explicit StandardError(Kind kind) {
    if (kind == Kind::pipe) REQUIRE(::pipe2(ends_.data(), O_CLOEXEC) == 0);
    if (kind == Kind::socket) REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0);
    if (kind == Kind::terminal) {
      ends_[0] = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
      REQUIRE(::grantpt(ends_[0]) == 0);
      REQUIRE(::unlockpt(ends_[0]) == 0);
      ends_[1] = ::open(::ptsname(ends_[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    ::dup2(ends_[1], STDERR_FILENO);
  }
  StandardError(const StandardError&) = delete;
  StandardError& operator=(const StandardError&) = delete;
  ~StandardError() {
    ::dup2(kept_, STDERR_FILENO);
    for (const int fd : {kept_, ends_[0], ends_[1]}) ::close(fd);
  }

  /// @returns what there is, and so much at most. A terminal's kernel takes a moment to pass it on.
  std::string read(std::size_t most = 1 << 20) {
    std::string text;
    pollfd in{.fd = ends_[0], .events = POLLIN, .revents = 0};
    while (text.size() < most && ::poll(&in, 1, 50) > 0) {
      std::string part(most - text.size(), '\0');
      part.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(ends_[0], part.data(), part.size()))));
      text += part;
    }
    std::erase(text, '\r');
    return text;
  }

 private:
  const int kept_ = ::dup(STDERR_FILENO);
  std::array<int, 2> ends_{};
};

}  // namespace

TEST_CASE("a standard error that is not read blocks no thread that logs, and the dropped lines are counted") {
  const Kind kind = GENERATE(Kind::pipe, Kind::socket, Kind::terminal);
  StandardError standard_error(kind);
  Logger log({.pattern = "{message}"});
  const std::string line(1000, 'x');
  int logged = 0;
  while (logged < 2000) log.info(line), ++logged;  // more than any of them holds
  std::string all;
  int lost = 0;
  const std::regex notice("log lines dropped, the log was not being read or was full: (\\d+)");
  const bool accounted = eventually([&] {
    log.info(line), ++logged;
    all += standard_error.read();
    std::istringstream lines(all);
    int written = lost = 0;
    for (std::string text; std::getline(lines, text);) {
      std::smatch found;
      if (text == line) {
        ++written;
      } else if (std::regex_match(text, found, notice)) {
        lost += std::stoi(found[1]);
      }
    }
    return written + lost == logged;
  });
  CAPTURE(kind, logged, lost);
  CHECK(accounted);
  CHECK(lost > 1000);
}

TEST_CASE("a standard error that is read slowly is waited for a part of the time, not for each line") {
  StandardError standard_error(Kind::pipe);
  Logger log({.pattern = "{message}"});
  const std::string long_line(1000, 'x');
  const auto begun = std::chrono::steady_clock::now();
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < 100; ++i) log.info(long_line);
    CHECK_FALSE(standard_error.read(4096).empty());
  }
  CHECK(std::chrono::steady_clock::now() - begun < kRounds * std::chrono::seconds(1));  // a wait each
}

namespace {

/// A named FIFO without a reader, unless a test opens one.
class Fifo {
 public:
  Fifo() { REQUIRE(::mkfifo(path_.c_str(), 0600) == 0); }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;
  ~Fifo() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }
  int open_reader() const { return ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); }

 private:
  const std::string path_ = "/tmp/socketserver_log_fifo." + std::to_string(::getpid());
};

std::string read_all(int fd) {
  std::string text(1 << 20, '\0');
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(fd, text.data(), text.size()))));
  return text;
}

/// Bounds the size of the files that this process writes, as ulimit -f does.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t most) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = most, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("a log into a FIFO without a reader starts, and its lines wait for one") {
  const Fifo fifo;
  Logger log({.pattern = "{message}", .file = fifo.path()});
  log.info("one");
  const int reader = fifo.open_reader();
  CHECK(read_all(reader) == "one\n");
  ::close(reader);
}

TEST_CASE("a FIFO whose reader has gone can be reopened") {
  const Fifo fifo;
  const int first = fifo.open_reader();
  Logger log({.pattern = "{message}", .file = fifo.path()});
  ::close(first);
  log.reopen();
  log.info("two");
  const int second = fifo.open_reader();
  CHECK(read_all(second) == "two\n");
  ::close(second);
}

TEST_CASE("a FIFO whose reader hangs loses lines, which are counted, and holds the caller up for one second at most") {
  const Fifo fifo;
  const int reader = fifo.open_reader();
  Logger log({.pattern = "{message}", .file = fifo.path()});
  const std::string line(1000, 'x');
  for (int i = 0; i < 2000; ++i) log.info(line);
  CHECK(read_all(reader).starts_with(line));
  log.info("after");
  const std::string rest = read_all(reader);
  CHECK(rest.find("log lines dropped, the log was not being read or was full: 19") != std::string::npos);
  CHECK(rest.ends_with("after\n"));
  ::close(reader);
}

TEST_CASE("a log file is not inherited by programs that a handler starts") {
  const TemporaryFile file;
  const Logger log({.file = file.path()});
  bool open = false;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry, gone) != file.path()) continue;
    open = true;
    CHECK((::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(open);
}

TEST_CASE("a log file at the limit on file sizes drops lines, and is written again when there is room") {
  const TemporaryFile file;
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGXFSZ, &ignore, &before);
  Logger log({.pattern = "{message}", .file = file.path()});
  {
    const FileSizeLimit limit(10);
    for (const char* line : {"1234567", "abc", "def", "ghi"}) log.info(line);
  }
  log.info("after");
  ::sigaction(SIGXFSZ, &before, nullptr);
  CHECK(file.text() == "1234567\nabc\nlog lines dropped, the log was not being read or was full: 2\nafter\n");
}

#if !defined(SOCKETSERVER_ASAN)  // the sanitizer needs descriptors to look at a pointer
TEST_CASE("a reopening that fails because no descriptor is left keeps the file that is open") {
  const TemporaryFile file;
  Logger log({.pattern = "{message}", .file = file.path()});
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  std::error_code error;
  try {
    log.reopen();
  } catch (const std::system_error& failed) {
    error = failed.code();
  }
  log.info("still here");
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(error == std::errc::too_many_files_open);
  CHECK(file.text() == "still here\n");
}
#endif
