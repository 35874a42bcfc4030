#pragma once
// What a run finds out, and the window of time in which it does.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "client.hpp"
#include "histogram.hpp"
#include "options.hpp"
#include "watch.hpp"

namespace bench {

struct Figures {
  std::chrono::duration<double> duration{0};
  std::chrono::nanoseconds server_cpu{0};
  Histogram latencies;           // one for each request
  std::size_t slow_dropped = 0;  // slow clients whose connection the server ended
  std::size_t held = 0;          // idle connections that were answered once more after the wait
  Memory before{};
  Memory after{};

  std::string json() const;
};

/// Calls turn() through the warm-up, then through the window that counts.
/// @param turn  does what there is to do, adds to figures.latencies, waits for at most some milliseconds
template <typename Turn>
void measure(Figures& figures, const Options& options, Turn turn) {
  const Clock::time_point warm = Clock::now() + std::chrono::duration_cast<Clock::duration>(options.warm_up);
  while (Clock::now() < warm) turn();
  figures.latencies.clear();
  const std::chrono::nanoseconds cpu = cpu_time(options.server);
  const Clock::time_point start = Clock::now();
  const Clock::time_point end = start + std::chrono::duration_cast<Clock::duration>(options.duration);
  while (Clock::now() < end) turn();
  figures.duration = Clock::now() - start;
  figures.server_cpu = cpu_time(options.server) - cpu;
}

}  // namespace bench
