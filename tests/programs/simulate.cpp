// Simulates an upper-case server for many seeds, on all cores: simulate [COUNT [FIRST]].
// Ends with status 1 and the report of the first seed that fails.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>
#include <mutex>
#include <socketserver/handlers/upper_case.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/upper_case_line.hpp"

namespace {

using socketserver::UpperCaseHandler;
using namespace socketserver::testing;

constexpr std::uint64_t kPiece = 1000;  // seeds that a thread takes at a time

class Run {
 public:
  Run(std::uint64_t count, std::uint64_t first) : next_(first), end_(first + count) {}

  /// Takes piece after piece, until one has failed or none is left. Threads: any number.
  void work() {
    const SimulationOptions options{.exchange = testing_support::upper_case_line};
    while (!failed_) {
      const std::uint64_t first = next_.fetch_add(kPiece);
      if (first >= end_) return;
      const SimulationReport report = simulate_seeds<UpperCaseHandler>(first, std::min(kPiece, end_ - first), options);
      const std::lock_guard lock(mutex_);
      if (!report) {
        failed_ = true;
        failures_.emplace(report.seed, report.text());
      } else if (first / 100'000 > shown_) {
        shown_ = first / 100'000;
        std::fprintf(stderr, "seed %llu\n", static_cast<unsigned long long>(first));
      }
    }
  }

  /// @returns the report of the first seed that failed, or nothing.
  std::string failure() const { return failures_.empty() ? "" : failures_.begin()->second; }

 private:
  std::atomic<std::uint64_t> next_;
  const std::uint64_t end_;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // guards what follows
  std::map<std::uint64_t, std::string> failures_;
  std::uint64_t shown_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  const std::uint64_t count = argc > 1 ? std::stoull(argv[1]) : 1'000'000;
  const std::uint64_t first = argc > 2 ? std::stoull(argv[2]) : 1;
  Run run(count, first);
  {
    std::vector<std::jthread> threads(std::max(1U, std::thread::hardware_concurrency()));
    for (std::jthread& thread : threads) thread = std::jthread([&run] { run.work(); });
  }
  if (run.failure().empty()) {
    std::cout << count << " seeds from " << first << " on: all is well\n";
    return 0;
  }
  std::cout << run.failure();
  return 1;
} catch (const std::exception& error) {
  std::cerr << "usage: simulate [COUNT [FIRST]]: " << error.what() << '\n';
  return 2;
}
