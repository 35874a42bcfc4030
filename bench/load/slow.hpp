#pragma once
// Clients that hold a server up if it lets them: half drip a byte at a time, half read hardly anything of what they
// have asked for.

#include <chrono>
#include <cstddef>
#include <vector>

#include "client.hpp"
#include "lines.hpp"
#include "options.hpp"

namespace bench {

class SlowClients {
 public:
  /// Connects options.slow_connections of them, each with one line answered, which shows that the server serves it.
  SlowClients(const Options& options, const Lines& lines);

  /// Lets those act whose turn it is: each one every quarter of a second, evenly spread over it.
  void turn();

  std::size_t dropped() const noexcept { return dropped_; }

 private:
  void act(std::size_t index);

  struct Slow {
    Client client;
    bool dripping;
    bool dropped = false;
  };

  std::vector<Slow> clients_;
  std::size_t next_ = 0;
  std::size_t dropped_ = 0;
  Clock::duration step_{};
  Clock::time_point due_ = Clock::now();
};

}  // namespace bench
