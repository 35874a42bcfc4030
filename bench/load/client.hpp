#pragma once
// One client's connection: it sends as many lines ahead as it may, and checks each byte that comes back.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "histogram.hpp"
#include "lines.hpp"

namespace bench {

using Clock = std::chrono::steady_clock;

/// An answer that is wrong or does not come; the run is worth nothing then.
class WrongAnswer : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

/// The server has ended the connection, or reset it.
class ConnectionEnded : public WrongAnswer {
 public:
  using WrongAnswer::WrongAnswer;
};

enum class Window { usual, small };

/// @returns a socket connected to that port of 127.0.0.1, from 127.0.0.(1 + client % 200): each source address has
/// 28 thousand ports of its own, and those of closed connections rest for a minute (TIME_WAIT).
/// @param window  of a slow reader, the peer can send only some kilobytes ahead
/// @throws std::system_error
int connect_from(std::uint32_t client, std::uint16_t port, Window window);

class Client {
 public:
  /// Connects. @param depth  how many lines may be unanswered
  Client(std::uint32_t number, std::uint16_t port, const Lines& lines, std::size_t depth,
         Window window = Window::usual);
  Client(Client&& other) noexcept;
  Client& operator=(Client&&) = delete;
  ~Client();

  int descriptor() const noexcept { return descriptor_; }
  std::uint64_t lines_answered() const noexcept { return received_ / lines_->size(); }
  bool all_answered() const noexcept { return received_ == sent_ && sent_ % lines_->size() == 0; }

  /// Sends one line. No earlier line may be unanswered.
  void ask_one(Clock::time_point now) { send_ahead(now, lines_->size()); }

  /// Waits until all that was asked is answered.
  /// @throws WrongAnswer  also when that takes longer than so
  void await_answers(std::chrono::duration<double> patience);

  /// Sends what the depth allows, at most this many bytes, as far as the kernel takes it.
  /// @param now  when the lines that this begins count as sent
  void send_ahead(Clock::time_point now, std::size_t most_bytes = SIZE_MAX);

  /// Sends the rest of a line that is partly sent, and no new one.
  void finish_line(Clock::time_point now);

  /// Receives once, and adds the latency of each line that is now answered.
  /// @returns how many bytes the kernel had, at most room.size()
  /// @throws WrongAnswer  other bytes than the expected ones, the connection's end, or an error of it
  std::size_t receive(std::span<char> room, Histogram& latencies);

 private:
  void send_up_to(std::uint64_t limit, Clock::time_point now);
  void check(std::span<const char> bytes) const;
  void count_answers(std::uint64_t before, Histogram& latencies) const;
  template <typename Error>
  [[noreturn]] void fail(const std::string& what) const;

  int descriptor_;
  std::uint32_t number_;
  const Lines* lines_;
  std::uint64_t sent_ = 0;                // bytes
  std::uint64_t received_ = 0;            // bytes
  std::vector<Clock::time_point> began_;  // when line n was begun, at n % depth
};

}  // namespace bench
