#pragma once
// The parameters of one run of the load generator.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace bench {

struct Options {
  std::string mode;        // steady, churn or idle
  std::uint16_t port = 0;  // of 127.0.0.1
  pid_t server = 0;        // whose CPU time and memory are measured
  int core = -1;           // to run on; -1 is any
  std::size_t connections = 1;
  std::size_t depth = 1;  // unanswered lines per connection
  std::size_t line_bytes = 32;
  std::size_t slow_connections = 0;  // in addition to the measured ones
  std::chrono::duration<double> warm_up{0.2};
  std::chrono::duration<double> duration{1};
  std::chrono::duration<double> patience{20};  // how long to wait for any one thing before the run has failed
};

/// Reads the command line; ends the program for --help and for bad usage.
Options read_options(int argc, char** argv);

}  // namespace bench
