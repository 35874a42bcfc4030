#include <socketserver/io/peer_step.hpp>

#include <socketserver/base/text.hpp>

namespace socketserver {
namespace {

/// @returns a duration in the largest unit of which it is a whole number: 61s, 5ms.
std::string duration_code(Duration duration) {
  const auto nanoseconds = std::chrono::nanoseconds(duration).count();
  if (nanoseconds % 1'000'000'000 == 0) return concat(nanoseconds / 1'000'000'000, "s");
  if (nanoseconds % 1'000'000 == 0) return concat(nanoseconds / 1'000'000, "ms");
  return concat(nanoseconds, "ns");
}

}  // namespace

std::string PeerStep::code() const {
  switch (kind) {
    case Kind::chunk: return concat("send(", string_literal(bytes), ")");
    case Kind::expect: return concat("expect(", string_literal(bytes), ")");
    case Kind::pause:
      return length == Duration::max() ? "pause_past_deadline()" : concat("pause(", duration_code(length), ")");
    case Kind::stay: return "stay_connected()";
    case Kind::stop_reading: return "stop_reading()";
    case Kind::resume_reading: return "resume_reading()";
    case Kind::reset: return "reset()";
    case Kind::eof: break;
  }
  return "half_close()";
}

}  // namespace socketserver
