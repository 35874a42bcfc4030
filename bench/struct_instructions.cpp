// Packs and unpacks "! I 2s Q 2h f", once with Struct and once by hand, for struct_instructions.py to count.
// Usage: struct_instructions struct|hand rounds

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <socketserver/base/errors.hpp>
#include <socketserver/wire/struct.hpp>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

using Record = socketserver::Struct<"! I 2s Q 2h f">;
using Bytes = std::array<std::byte, 22>;
using Values = std::tuple<std::uint32_t, std::string, std::uint64_t, std::int16_t, std::int16_t, float>;

namespace {

// The careful hand: it does the same checks and no more.
void put_text(std::byte* to, std::string_view text) {
  to[0] = text.empty() ? std::byte{0} : static_cast<std::byte>(text[0]);
  to[1] = text.size() < 2 ? std::byte{0} : static_cast<std::byte>(text[1]);
}

template <typename T>
void put(std::byte* to, T bits) {
  std::memcpy(to, &bits, sizeof bits);
}

template <typename T>
T get(const std::byte* from) {
  T bits;
  std::memcpy(&bits, from, sizeof bits);
  return bits;
}

}  // namespace

// Each takes and returns exactly what Struct does, and is a function of its own, as in a caller far away.
extern "C" {

__attribute__((noinline)) void pack_struct(Bytes& to, std::uint32_t id, std::string_view tag, std::uint64_t total,
                                           std::int16_t low, std::int16_t high, float share) {
  to = Record::pack(id, tag, total, low, high, share);
}

__attribute__((noinline)) void pack_hand(Bytes& to, std::uint32_t id, std::string_view tag, std::uint64_t total,
                                         std::int16_t low, std::int16_t high, float share) {
  put(to.data(), __builtin_bswap32(id));
  put_text(to.data() + 4, tag);
  put(to.data() + 6, __builtin_bswap64(total));
  put(to.data() + 14, __builtin_bswap16(static_cast<std::uint16_t>(low)));
  put(to.data() + 16, __builtin_bswap16(static_cast<std::uint16_t>(high)));
  put(to.data() + 18, __builtin_bswap32(std::bit_cast<std::uint32_t>(share)));
}

__attribute__((noinline)) void unpack_struct(Values& to, std::span<const std::byte> from) { to = Record::unpack(from); }

__attribute__((noinline)) void unpack_hand(Values& to, std::span<const std::byte> from) {
  if (from.size() != 22) throw socketserver::StructError("unpack requires a buffer of 22 bytes");
  const std::byte* at = from.data();
  to = Values(__builtin_bswap32(get<std::uint32_t>(at)), std::string(reinterpret_cast<const char*>(at + 4), 2),
              __builtin_bswap64(get<std::uint64_t>(at + 6)),
              static_cast<std::int16_t>(__builtin_bswap16(get<std::uint16_t>(at + 14))),
              static_cast<std::int16_t>(__builtin_bswap16(get<std::uint16_t>(at + 16))),
              std::bit_cast<float>(__builtin_bswap32(get<std::uint32_t>(at + 18))));
}
}

int main(int argc, char** argv) {
  const bool by_hand = argc > 1 && std::string_view(argv[1]) == "hand";
  const long rounds = argc > 2 ? std::atol(argv[2]) : 1;
  Bytes bytes{};
  Values values(1, "ab", 2, 3, 3, 2.5F);
  for (long i = 0; i < rounds; ++i) {
    const auto& [id, tag, total, low, high, share] = values;
    (by_hand ? pack_hand : pack_struct)(bytes, id, tag, total, low, high, share);
    (by_hand ? unpack_hand : unpack_struct)(values, bytes);
  }
  for (std::byte byte : bytes) std::printf("%02x", std::to_integer<unsigned>(byte));
  std::puts("");
}
