#pragma once
// The clients of a simulation.

#include <memory>
#include <optional>
#include <socketserver/testing/simulate.hpp>
#include <socketserver/testing/simulation/simulated_network.hpp>
#include <string>
#include <vector>

namespace socketserver::testing::detail {

/// One client from connect to end, on a fiber of its own; afterwards a record of what it did.
class SimulatedClient {
 public:
  enum class Kind {
    polite,    // asks and reads in turn, then ends its direction
    eager,     // asks all at once, ends its direction, then reads
    silent,    // asks and reads in turn, then says nothing more
    dripping,  // the same, then sends the first bytes of a request, one by one, and never its last
    deaf,      // asks and does not read
    slow,      // asks all at once, ends its direction, then reads a few bytes at a time
    reset,     // resets the connection in the middle
  };

  SimulatedClient(std::size_t number, Dice& dice, const SimulationOptions& options);

  void run(SimulatedNetwork& network, Trace& trace);

  /// @returns how the server broke its promises to this client. @param stopped_at  when the server was asked to stop.
  std::vector<std::string> complaints(const ServerConfig& config, std::optional<TimePoint> stopped_at) const;

 private:
  void send(std::string_view bytes);
  void ask(const Exchange& exchange);
  void end_sending();
  void reset();
  /// Reads until this many bytes have arrived in total, or the server has closed.
  void read_until(std::uint64_t bytes);
  bool take_some();
  void await_end();
  bool over() const;
  void pause();
  std::string answers_due() const;
  bool is_answered() const;
  std::optional<TimePoint> time_due(const ServerConfig& config, std::optional<TimePoint> stopped_at) const;
  bool excused(const ServerConfig& config) const;

  const std::size_t number_;
  const bool answers_known_;
  Dice& dice_;
  Kind kind_;
  std::vector<Exchange> exchanges_;
  Duration start_after_{};
  Duration longest_pause_{};
  std::size_t capacity_ = 0;

  Trace* trace_ = nullptr;
  std::shared_ptr<Link> link_;
  std::uint64_t taken_ = 0;                   // bytes read
  bool quiet_ = false;                        // it has asked all, and has all answers
  std::optional<TimePoint> message_since_{};  // the first byte of the drip
};

}  // namespace socketserver::testing::detail
