#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <socketserver/observe/log.hpp>
#include <sstream>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/eventually.hpp"
#include "support/policies.hpp"

using namespace socketserver;
using testing_support::eventually;
using testing_support::fibers;

TEST_CASE("a handler that blocks its loop is named, once a second at most") {
  const auto path = std::filesystem::temp_directory_path() / ("watchdog." + std::to_string(::getpid()));
  {
    Logger log({.level = LogLevel::warning, .pattern = "{message}", .file = path.string()});
    const auto policy = fibers(2, &log);
    std::atomic<bool> over{false};
    policy->submit(
        [&over] {
          while (!over) std::this_thread::yield();
        },
        [] { return std::string("SlowHandler for 127.0.0.1:4711"); });
    const auto lines = [&path] {
      std::ifstream file(path);
      std::stringstream text;
      text << file.rdbuf();
      return text.str();
    };
    CHECK(eventually([&lines] { return !lines().empty(); }));
    const std::string first = lines();
    CHECK(first.starts_with("SlowHandler for 127.0.0.1:4711 has blocked its fiber loop for "));
    CHECK(std::count(first.begin(), first.end(), '\n') == 1);
    CHECK(eventually([&lines, &first] { return lines().size() > first.size(); }));  // and again, while it lasts
    over = true;
    policy->join();
  }
  std::filesystem::remove(path);
}
