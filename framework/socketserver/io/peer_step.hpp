#pragma once
// One step of the script by which the peer of a MemoryStream acts.

#include <socketserver/base/clock.hpp>
#include <socketserver/base/visibility.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace SOCKETSERVER_PUBLIC socketserver {

/// One thing that the peer does. Steps take place in their order, each when the handler has taken all that was sent
/// before it. A read returns at most one chunk.
class PeerStep {
 public:
  /// Each is made by the constructor or function below that has its name, `stay` by stay_connected().
  enum class Kind { chunk, expect, pause, stay, stop_reading, resume_reading, eof, reset };

  /// The peer sends these bytes. Implicit, so that a script may be a list of texts.
  PeerStep(std::string chunk) : kind(Kind::chunk), bytes(std::move(chunk)) {}
  /// @overload
  PeerStep(const char* text) : PeerStep(std::string(text)) {}

  /// The peer waits until the handler has sent exactly these bytes: nothing else since the last expect, and nothing
  /// more before the handler waits for input again. Output that no later expect() looks at is free.
  static PeerStep expect(std::string bytes) { return PeerStep(Kind::expect, {}, std::move(bytes)); }
  /// Silence for this long: a reader whose deadline is earlier times out at it, and the rest of the silence remains.
  static PeerStep pause(Duration length) { return PeerStep(Kind::pause, length); }
  /// Silence past the next deadline, whichever that is.
  static PeerStep pause_past_deadline() { return pause(Duration::max()); }
  /// Silence past every deadline, instead of the EOF that ends a script.
  static PeerStep stay_connected() { return PeerStep(Kind::stay, {}); }
  /// The peer stops reading: each send of the handler waits until its deadline.
  static PeerStep stop_reading() { return PeerStep(Kind::stop_reading, {}); }
  /// The peer reads again; after a pause() a blocked send continues in time.
  static PeerStep resume_reading() { return PeerStep(Kind::resume_reading, {}); }
  /// The peer ends its direction, and may still expect().
  static PeerStep eof() { return PeerStep(Kind::eof, {}); }
  /// Seen by the handler's next read, or, right after an expect(), by its next operation.
  static PeerStep reset() { return PeerStep(Kind::reset, {}); }

  /// @returns the step as testing/script.hpp has it written: pause(61s), expect("HELLO\n").
  std::string code() const;

  Kind kind;            ///< what happens
  std::string bytes{};  ///< of a chunk or an expect
  Duration length{};    ///< of a pause; Duration::max() lasts past the next deadline

 private:
  PeerStep(Kind what, Duration how_long, std::string expected = {})
      : kind(what), bytes(std::move(expected)), length(how_long) {}
};

/// The handler has not done what the script expects, or has waited without a limit. what() names the step and shows
/// both sides escaped.
class ScriptError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace socketserver
