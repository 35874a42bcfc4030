#pragma once
// A stream in memory, for tests: a script of what the peer sends, a record of what it gets, and a clock that
// only the script moves. Two of them can also be connected to each other.

#include <initializer_list>
#include <memory>
#include <socketserver/base/visibility.hpp>
#include <socketserver/io/peer_step.hpp>
#include <socketserver/io/stream.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Reading and writing throw ScriptError where the script expects something else, or the wait would have no end.
/// Threads: as Stream; the record may be read while others write.
class MemoryStream final : public Stream {
 public:
  /// The peer sends these bytes, in one chunk, then EOF.
  explicit MemoryStream(std::string_view input = {});
  /// The peer does this, step by step, then EOF.
  explicit MemoryStream(std::initializer_list<PeerStep> script);
  /// @overload
  explicit MemoryStream(const std::vector<PeerStep>& script);
  ~MemoryStream() override;

  /// @returns two streams: what one sends the other receives. They run on the steady clock.
  static std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>> pair();

  /// @returns all that was sent so far; survives close().
  std::string written() const;
  /// @returns each send apart.
  std::vector<std::string> writes() const;
  /// @returns what the peer has sent, or would send next, that was not read.
  std::string unread() const;
  /// Whether close() was called; a shutdown does not count.
  bool closed() const;
  /// Checks, once the handler has ended, that all went as the script expects.
  /// @throws ScriptError  the first thing that did not, also where it was thrown before.
  void verify_script();
  /// From now on expect() takes place at once, also if something else was sent: the peer of a handler that was made to
  /// fail.
  void ignore_expectations();
  /// Lets time pass on the script's clock.
  void advance(Duration time) noexcept;

  void shutdown(ShutdownHow how = ShutdownHow::both) noexcept override;
  void close() noexcept override;
  void drain() noexcept override;
  void abort() noexcept override;
  const Clock& clock() const noexcept override;
  bool end_is_local() const noexcept override;
  IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) override;
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override;

 private:
  struct Inbox;
  struct State;
  explicit MemoryStream(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace socketserver
