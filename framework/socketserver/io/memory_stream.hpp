#pragma once
// A stream in memory, for tests: a script of what the peer sends, a record of what it gets, and a clock that
// only the script moves. Two of them can also be connected to each other.

#include <initializer_list>
#include <memory>
#include <socketserver/io/stream.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socketserver {

/// One thing that the peer does. A read returns at most one chunk.
class PeerStep {
 public:
  enum class Kind { chunk, pause, eof, reset };

  PeerStep(std::string chunk) : kind(Kind::chunk), bytes(std::move(chunk)) {}
  PeerStep(const char* text) : PeerStep(std::string(text)) {}

  /// Silence for this long: a reader whose deadline is earlier times out at it, and the rest of the silence remains.
  static PeerStep pause(Duration length) { return PeerStep(Kind::pause, length); }
  /// Silence past the next deadline, whichever that is.
  static PeerStep pause_past_deadline() { return pause(Duration::max()); }
  static PeerStep eof() { return PeerStep(Kind::eof, {}); }
  static PeerStep reset() { return PeerStep(Kind::reset, {}); }

  Kind kind;
  std::string bytes{};
  Duration length{};

 private:
  PeerStep(Kind what, Duration how_long) : kind(what), length(how_long) {}
};

/// Threads: as Stream; the record may be read while others write.
class MemoryStream final : public Stream {
 public:
  /// The peer sends these bytes, in one chunk, then EOF.
  explicit MemoryStream(std::string_view input = {});
  /// The peer does this, step by step, then EOF.
  explicit MemoryStream(std::initializer_list<PeerStep> script);
  ~MemoryStream() override;

  /// @returns two streams: what one sends the other receives. They run on the steady clock.
  static std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>> pair();

  /// @returns all that was sent so far; survives close().
  std::string written() const;
  /// @returns each send apart.
  std::vector<std::string> writes() const;
  /// @returns what the peer has sent, or would send next, that was not read.
  std::string unread() const;
  bool closed() const;

  void shutdown(ShutdownHow how) noexcept override;
  void close() noexcept override;
  void drain() noexcept override;
  void abort() noexcept override;
  const Clock& clock() const noexcept override;
  IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) override;
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override;

 private:
  struct Inbox;
  struct State;
  explicit MemoryStream(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace socketserver
