#include <array>
#include <cstddef>
#include <socketserver/base/errors.hpp>
#include <socketserver/wire/struct.hpp>
#include <tuple>

#include "fuzz/targets.hpp"

using namespace socketserver;

namespace {

/// Unpacks at every offset, and beyond the last. What was unpacked is packed again, and then stays the same bytes: the
/// first time padding and the like may change.
template <typename Record>
void round_trip(std::string_view bytes) {
  const auto pack = [](const auto&... value) { return Record::pack(value...); };
  std::size_t offset = 0;
  for (; bytes.size() - offset >= Record::size; ++offset) {
    const std::array<std::byte, Record::size> packed = std::apply(pack, Record::unpack_from(bytes, offset));
    fuzz::require(std::apply(pack, Record::unpack(packed)) == packed, "what was packed unpacks as the same");
  }
  for (const std::size_t beyond : {offset, bytes.size(), bytes.size() + 1}) {
    bool refused = false;
    try {
      (void)Record::unpack_from(bytes, beyond);
    } catch (const StructError&) {
      refused = true;
    }
    fuzz::require(refused, "only a whole record unpacks");
  }
}

}  // namespace

void fuzz::structs(Bytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  round_trip<Struct<"<bBhHiIlLqQ">>(text);
  round_trip<Struct<"!?x3s5pc2h">>(text);
  round_trip<Struct<"@bi0qnN">>(text);
  round_trip<Struct<">efd">>(text);
  try {
    std::size_t records = 0;
    for ([[maybe_unused]] const auto& record : Struct<"<hB">::iter_unpack(text)) ++records;
    require(records * 3 == text.size(), "a multiple of the size unpacks whole");
  } catch (const StructError&) {
    require(text.size() % 3 != 0, "a multiple of the size unpacks");
  }
}
