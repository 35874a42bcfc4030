#pragma once
// The clients that are measured, all connected at once, in one event loop.

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <vector>

#include "client.hpp"
#include "histogram.hpp"
#include "lines.hpp"
#include "options.hpp"

namespace bench {

class Fleet {
 public:
  Fleet(const Options& options, const Lines& lines);
  Fleet(Fleet&&) = delete;
  ~Fleet();

  /// Connects clients until there are this many. Each sends one line and is answered, some at a time, so that no
  /// server's backlog overflows.
  void open(std::size_t count);

  /// Every client sends as many lines as its depth allows.
  void start();

  /// Takes the answers that are there, or come within a millisecond, and sends the next lines.
  void turn(Histogram& latencies);

  /// Sends nothing new and takes the answers that are missing, so that each line sent has been checked.
  /// @throws WrongAnswer  they do not come
  void finish();

  /// Each client sends one line and is answered. @returns how many: all
  std::size_t ask_once_more();

 private:
  void connect();
  void take_answers(Client& client, std::uint32_t events, Histogram& latencies);

  const Options& options_;
  const Lines& lines_;
  std::vector<Client> clients_;
  int epoll_;
  bool finishing_ = false;
  std::array<epoll_event, 512> events_{};
  std::vector<char> room_ = std::vector<char>(65536);
};

}  // namespace bench
