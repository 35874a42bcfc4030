#pragma once
// The peer of a handler under test, as a script: what it sends and expects, in order, on a clock that only the script
// moves.
//
//   Script{send("add 1\n"), expect("1\n"), pause(61s)}

#include <initializer_list>
#include <socketserver/io/peer_step.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace socketserver::testing {

/// The peer sends these bytes in one chunk: one read gets no more than that.
inline PeerStep send(std::string_view bytes) { return PeerStep(std::string(bytes)); }
/// The peer waits until the handler has sent exactly these bytes. Otherwise the run ends with a ScriptError, which
/// names the step: other bytes, fewer when the handler waits for input or ends, or more before it does.
inline PeerStep expect(std::string_view bytes) { return PeerStep::expect(std::string(bytes)); }
/// Silence for this long.
inline PeerStep pause(Duration length) { return PeerStep::pause(length); }
/// Silence past the next deadline of the handler, whichever that is.
inline PeerStep pause_past_deadline() { return PeerStep::pause_past_deadline(); }
/// The peer ends its direction: the handler sees EOF. It may still expect().
inline PeerStep half_close() { return PeerStep::eof(); }
/// The handler's next read sees a reset; right after an expect() its next send does, too.
inline PeerStep reset() { return PeerStep::reset(); }
/// What the handler sends is not taken any more: each send waits until its deadline, or until resume_reading().
inline PeerStep stop_reading() { return PeerStep::stop_reading(); }
/// Takes what the handler sends again; after a pause() a blocked send continues in time.
inline PeerStep resume_reading() { return PeerStep::resume_reading(); }
/// As the last step: silence past every deadline, instead of EOF.
inline PeerStep stay_connected() { return PeerStep::stay_connected(); }

/// The steps of one conversation. It ends in EOF unless the last step says otherwise. A value.
class Script {
 public:
  /// Plays them in their order. See PeerStep.
  Script(std::initializer_list<PeerStep> steps) : steps_(steps) {}
  /// @overload
  explicit Script(std::vector<PeerStep> steps) : steps_(std::move(steps)) {}
  /// One send(), so that a text may stand for a script.
  Script(std::string_view input) : steps_{send(input)} {}
  /// @overload
  Script(const std::string& input) : Script(std::string_view(input)) {}
  /// @overload
  Script(const char* input) : Script(std::string_view(input)) {}

  /// The steps as they were given: none is joined or left out.
  const std::vector<PeerStep>& steps() const noexcept { return steps_; }
  /// @returns the script as it is written: Script{send("hello\n"), half_close()}. Bytes are escaped; one with zeros
  /// among them needs std::literals.
  std::string code() const;

 private:
  std::vector<PeerStep> steps_;
};

}  // namespace socketserver::testing
