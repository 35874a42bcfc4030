#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <socketserver/server/accept_backoff.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "support/catch.hpp"

using namespace socketserver;
using namespace std::chrono_literals;

TEST_CASE("a lack of resources is retried after 5 ms, doubling to a second") {
  ManualClock clock;
  Logger log({.level = LogLevel::off});
  detail::AcceptBackoff trouble(log, clock);
  const std::error_code emfile(EMFILE, std::generic_category());
  CHECK(trouble.retry_at().expired(clock));
  for (const int expected : {5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000}) {
    trouble.failed(emfile);
    CHECK(trouble.retry_at().remaining(clock) == std::chrono::milliseconds(expected));
  }
  trouble.retry_now();
  CHECK(trouble.retry_at().expired(clock));
  trouble.succeeded();
  trouble.failed(emfile);
  CHECK(trouble.retry_at().remaining(clock) == 5ms);
}

TEST_CASE("a transient error is not waited for, a fatal one is thrown") {
  ManualClock clock;
  Logger log({.level = LogLevel::off});
  detail::AcceptBackoff trouble(log, clock);
  trouble.failed({ECONNABORTED, std::generic_category()});
  CHECK(trouble.retry_at().expired(clock));
  CHECK_THROWS_AS(trouble.failed({EBADF, std::generic_category()}), std::system_error);
}

TEST_CASE("an accept error of any kind that repeats backs off, and a stop does not wait for it") {
  ManualClock clock;
  Logger log({.level = LogLevel::off});
  detail::AcceptBackoff trouble(log, clock);
  const std::error_code forbidden(EPERM, std::generic_category());
  trouble.failed(forbidden);
  CHECK(trouble.retry_at().expired(clock));
  for (const int expected : {5, 10, 20, 40}) {
    trouble.failed(forbidden);
    CHECK(trouble.retry_at().remaining(clock) == std::chrono::milliseconds(expected));
    CHECK_FALSE(trouble.lasts());
  }
  trouble.failed(forbidden);
  CHECK(trouble.lasts());
  trouble.succeeded();
  CHECK_FALSE(trouble.lasts());
  for (int i = 0; i < 20; ++i) trouble.failed({EMFILE, std::generic_category()});
  CHECK_FALSE(trouble.lasts());  // room comes when a connection ends
}

TEST_CASE("failing accepts are a line a second, which counts those before it") {
  ManualClock clock;
  const auto path = std::filesystem::temp_directory_path() / ("accepts." + std::to_string(::getpid()));
  {
    Logger log({.pattern = "{message}", .file = path.string()});
    detail::AcceptBackoff trouble(log, clock);
    for (int i = 0; i < 100; ++i) {
      trouble.failed({EPERM, std::generic_category()});
      clock.advance(100ms);
    }
  }
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  std::filesystem::remove(path);
  REQUIRE(lines.size() == 10);
  CHECK(lines.front() == "accept failed 1 time: Operation not permitted; going on");
  CHECK(lines.back() == "accept failed 10 times, last: Operation not permitted; trying again");
}
