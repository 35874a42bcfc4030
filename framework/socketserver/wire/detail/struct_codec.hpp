#pragma once
// The bytes of one item of a struct format, from and to its value.

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <socketserver/wire/detail/half_float.hpp>
#include <socketserver/wire/detail/struct_value.hpp>
#include <string>
#include <string_view>
#include <type_traits>

namespace socketserver::detail {

template <std::size_t Bytes>
consteval auto unsigned_of_size() {
  if constexpr (Bytes == 1) return std::uint8_t{};
  if constexpr (Bytes == 2) return std::uint16_t{};
  if constexpr (Bytes == 4) return std::uint32_t{};
  if constexpr (Bytes == 8) return std::uint64_t{};
}

template <typename T>
using BitsOf = decltype(unsigned_of_size<sizeof(T)>());

template <std::endian Order, std::unsigned_integral T>
constexpr T in_order(T bits) {
  if constexpr (Order == std::endian::native || sizeof(T) == 1) {
    return bits;
  } else if constexpr (sizeof(T) == 2) {
    return __builtin_bswap16(bits);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(bits);
  } else {
    return __builtin_bswap64(bits);
  }
}

// Copies of constant length, which compilers turn into single moves.
template <std::endian Order, typename T>
constexpr void store(std::byte* to, T value) {
  const BitsOf<T> bits = in_order<Order>(std::bit_cast<BitsOf<T>>(value));
  const auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(bits);
  std::copy_n(bytes.data(), bytes.size(), to);
}

template <std::endian Order, typename T>
constexpr T load(const std::byte* from) {
  std::array<std::byte, sizeof(T)> bytes{};
  std::copy_n(from, bytes.size(), bytes.data());
  return std::bit_cast<T>(in_order<Order>(std::bit_cast<BitsOf<T>>(bytes)));
}

constexpr void copy_text(std::byte* to, const char* from, std::size_t bytes) {
  if (std::is_constant_evaluated()) {
    for (std::size_t i = 0; i < bytes; ++i) to[i] = static_cast<std::byte>(from[i]);
  } else if (bytes > 0) {
    std::memcpy(to, from, bytes);
  }
}

/// Out of line: otherwise compilers merge both branches below into one copy of variable length, a call in
/// every case.
[[gnu::noinline]] constexpr void copy_short_text(std::byte* to, std::string_view text) {
  copy_text(to, text.data(), text.size());
}

/// Cuts the text; what it leaves of the item stays zero. A full item is a copy of constant length.
constexpr void pack_text(std::byte* to, std::size_t item_bytes, std::string_view text) {
  if (text.size() >= item_bytes) {
    copy_text(to, text.data(), item_bytes);
  } else {
    copy_short_text(to, text);
  }
}

/// One byte for the length, then the text. As in Python, an item of more than 256 bytes is filled although
/// its length says 255.
constexpr void pack_counted_text(std::byte* to, std::size_t item_bytes, std::string_view text) {
  if (item_bytes == 0) return;
  to[0] = static_cast<std::byte>(std::min({text.size(), item_bytes - 1, std::size_t{255}}));
  pack_text(to + 1, item_bytes - 1, text);
}

inline std::string unpack_text(const std::byte* from, std::size_t bytes) {
  return {reinterpret_cast<const char*>(from), bytes};
}

inline std::string unpack_counted_text(const std::byte* from, std::size_t item_bytes) {
  if (item_bytes == 0) return {};
  return unpack_text(from + 1, std::min(std::to_integer<std::size_t>(from[0]), item_bytes - 1));
}

/// @param to  zeros, item_bytes of them.
template <char Code, bool Native, std::endian Order, typename V>
constexpr void pack_item(std::byte* to, std::size_t item_bytes, const V& value) {
  static_assert(ValueCheck<Code, V>::kChecked);
  if constexpr (Code == 's') {
    pack_text(to, item_bytes, value);
  } else if constexpr (Code == 'p') {
    pack_counted_text(to, item_bytes, value);
  } else if constexpr (Code == 'c') {
    store<Order>(to, value);
  } else if constexpr (Code == '?') {
    store<Order>(to, value != V{});
  } else if constexpr (Code == 'e') {
    store<Order>(to, to_half(static_cast<double>(value)));
  } else if constexpr (Code == 'f' && !std::same_as<V, float>) {
    store<Order>(to, to_float(static_cast<double>(value)));
  } else if constexpr (Code == 'f' || Code == 'd') {
    store<Order>(to, static_cast<ItemValue<Code, Native>>(value));
  } else {
    store<Order>(to, to_integer<Code, ItemValue<Code, Native>>(value));
  }
}

template <char Code, bool Native, std::endian Order>
constexpr ItemValue<Code, Native> unpack_item(const std::byte* from, std::size_t item_bytes) {
  if constexpr (Code == 's') {
    return unpack_text(from, item_bytes);
  } else if constexpr (Code == 'p') {
    return unpack_counted_text(from, item_bytes);
  } else if constexpr (Code == '?') {
    return *from != std::byte{0};
  } else if constexpr (Code == 'e') {
    return float_from_half(load<Order, std::uint16_t>(from));
  } else {
    return load<Order, ItemValue<Code, Native>>(from);
  }
}

}  // namespace socketserver::detail
