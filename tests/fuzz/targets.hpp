#pragma once
// What is fuzzed: each takes any bytes, and must neither crash, hang nor break what it checks. libFuzzer drives them in
// scripts/fuzz; the suite replays the corpus.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace fuzz {

using Bytes = std::span<const std::uint8_t>;

/// Reader over arbitrary chunks, by arbitrary calls.
void reader(Bytes bytes);
/// A configuration's text.
void config(Bytes bytes);
/// Bytes as records of several formats.
void structs(Bytes bytes);
/// Handlers' sessions with an arbitrary peer, over a stream that fails somewhere.
void session(Bytes bytes);
/// TLS records before a handshake.
void tls(Bytes bytes);

/// Takes decisions off the front of the bytes; zeros when they are used up.
class Dice {
 public:
  explicit Dice(Bytes bytes) : bytes_(bytes) {}
  std::size_t below(std::size_t limit) { return next() % limit; }
  std::uint8_t next() {
    if (bytes_.empty()) return 0;
    const std::uint8_t first = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return first;
  }
  bool empty() const { return bytes_.empty(); }
  /// @returns the next bytes as text, up to this number.
  std::string_view text(std::size_t most) {
    const std::size_t count = most < bytes_.size() ? most : bytes_.size();
    const std::string_view taken(reinterpret_cast<const char*>(bytes_.data()), count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

 private:
  Bytes bytes_;
};

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

}  // namespace fuzz
