#pragma once
// The peer of a MemoryStream, or what the other one of a pair has sent.

#include <deque>
#include <optional>
#include <socketserver/io/peer_step.hpp>
#include <socketserver/io/stream.hpp>
#include <string>
#include <string_view>

namespace socketserver::detail {

/// Plays the steps as the handler reads and writes, and compares what it receives with what it expects. Before a
/// ScriptError is thrown the peer resets the connection, so that the handler ends. Threads: MemoryStream's lock.
class PeerScript {
 public:
  void add(PeerStep step);
  bool over() const { return steps_.empty(); }
  /// @returns the bytes of the chunks that were not read.
  std::string unread() const;

  /// The handler waits for input. @param drained  a silence is EOF. @returns nullopt if there are no more steps.
  std::optional<IoResult> read(std::span<std::byte> into, Deadline deadline, bool drained, ManualClock& clock);
  /// The handler is about to send. @returns why it can't.
  std::error_code admit(std::string_view bytes, Deadline deadline, ManualClock& clock);
  /// The handler has sent.
  void sent(std::string_view bytes);

  /// Every later expect() is satisfied at once, regardless of what the handler has sent.
  void ignore_expectations();
  /// The handler has ended. @throws ScriptError  the first thing that was not as expected.
  void verify();

 private:
  using Kind = PeerStep::Kind;

  void pop();
  IoResult take_chunk(std::span<std::byte> into);
  bool silence_passes(Deadline deadline, ManualClock& clock);
  void wait_without_end(Deadline deadline, ManualClock& clock);
  void switch_reading();
  bool meet_expectations();
  void require_output();
  void require_no_surplus();
  [[noreturn]] void fail(std::size_t number, const PeerStep& step, const std::string& problem);
  [[noreturn]] void fail_here(const std::string& problem) { fail(played_ + 1, steps_.front(), problem); }

  std::deque<PeerStep> steps_;    // not yet played
  std::size_t played_ = 0;        // and those that were
  std::size_t expectations_ = 0;  // among steps_
  std::string output_;            // sent by the handler, not yet compared; while there are expectations
  std::optional<PeerStep> met_;   // an expect() that the peer has done nothing after
  std::size_t stopped_ = 0;       // the number of the step at which the peer has stopped reading; 0 while it reads
  bool ended_ = false;            // the peer has ended its direction
  bool reset_ = false;            // it has reset the connection, or the script has failed
  std::string error_;             // why it has
};

}  // namespace socketserver::detail
