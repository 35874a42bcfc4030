#pragma once
// The C++ type of an item of a struct format, and the caller's value made to fit it.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <socketserver/wire/detail/half_float.hpp>
#include <socketserver/wire/detail/struct_errors.hpp>
#include <string>
#include <string_view>
#include <type_traits>

namespace socketserver::detail {

template <char Code, bool Native>
struct ItemType;
template <bool Native>
struct ItemType<'c', Native> : std::type_identity<char> {};
template <bool Native>
struct ItemType<'?', Native> : std::type_identity<bool> {};
template <bool Native>
struct ItemType<'b', Native> : std::type_identity<std::int8_t> {};
template <bool Native>
struct ItemType<'B', Native> : std::type_identity<std::uint8_t> {};
template <bool Native>
struct ItemType<'h', Native> : std::type_identity<std::int16_t> {};
template <bool Native>
struct ItemType<'H', Native> : std::type_identity<std::uint16_t> {};
template <bool Native>
struct ItemType<'i', Native> : std::type_identity<std::int32_t> {};
template <bool Native>
struct ItemType<'I', Native> : std::type_identity<std::uint32_t> {};
template <bool Native>
struct ItemType<'l', Native> : std::type_identity<std::conditional_t<Native, long, std::int32_t>> {};
template <bool Native>
struct ItemType<'L', Native> : std::type_identity<std::conditional_t<Native, unsigned long, std::uint32_t>> {};
template <bool Native>
struct ItemType<'q', Native> : std::type_identity<std::int64_t> {};
template <bool Native>
struct ItemType<'Q', Native> : std::type_identity<std::uint64_t> {};
template <bool Native>
struct ItemType<'n', Native> : std::type_identity<std::ptrdiff_t> {};
template <bool Native>
struct ItemType<'N', Native> : std::type_identity<std::size_t> {};
template <bool Native>
struct ItemType<'P', Native> : std::type_identity<std::uintptr_t> {};
template <bool Native>
struct ItemType<'e', Native> : std::type_identity<float> {};
template <bool Native>
struct ItemType<'f', Native> : std::type_identity<float> {};
template <bool Native>
struct ItemType<'d', Native> : std::type_identity<double> {};
template <bool Native>
struct ItemType<'s', Native> : std::type_identity<std::string> {};
template <bool Native>
struct ItemType<'p', Native> : std::type_identity<std::string> {};

template <char Code, bool Native>
using ItemValue = typename ItemType<Code, Native>::type;

template <char Code>
constexpr bool is_one_of(std::string_view codes) {
  return codes.find(Code) != std::string_view::npos;
}

/// What a caller may pass for an item; in the compiler's words, so that a mistake reads as one.
template <char Code, typename V>
struct ValueCheck {
  static constexpr bool kChecked = true;
  static constexpr bool kInteger = std::integral<V> && sizeof(V) <= sizeof(long long);
  static constexpr bool kNumber = kInteger || (std::floating_point<V> && sizeof(V) <= sizeof(double));

  static_assert(!is_one_of<Code>("bBhHiIlLqQnNP") || kInteger, "struct pack: this item takes an integer");
  static_assert(!is_one_of<Code>("efd?") || kNumber, "struct pack: this item takes a number");
  static_assert(!is_one_of<Code>("sp") || std::convertible_to<const V&, std::string_view>,
                "struct pack: s and p take text, as std::string_view");
  static_assert(Code != 'c' || std::same_as<V, char>, "struct pack: c takes a char");
};

template <std::integral T, std::integral V>
constexpr bool fits(V value) {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_signed_v<V>) {
    if (value < 0) return static_cast<long long>(value) >= static_cast<long long>(Limits::min());
  }
  return static_cast<unsigned long long>(value) <= static_cast<unsigned long long>(Limits::max());
}

template <char Code, std::integral T, std::integral V>
constexpr T to_integer(V value) {
  using Limits = std::numeric_limits<T>;
  if (!fits<T>(value)) throw_integer_out_of_range(Code, Limits::min(), Limits::max());
  return static_cast<T>(value);
}

constexpr double magnitude_of(double value) { return value < 0 ? -value : value; }
constexpr bool is_infinite(double value) { return magnitude_of(value) == std::numeric_limits<double>::infinity(); }

/// @returns the nearest float. A double is too large from halfway between the largest float and the next on,
/// where rounding would make an infinity; an infinity itself and a NaN pass.
constexpr float to_float(double value) {
  constexpr double kLimit = 0x1.FFFFFFp127;
  constexpr float kLargest = std::numeric_limits<float>::max();
  const double magnitude = magnitude_of(value);
  if (!(magnitude > kLargest) || is_infinite(value)) return static_cast<float>(value);
  if (magnitude >= kLimit) throw_float_too_large('f');
  return value < 0 ? -kLargest : kLargest;  // a cast of what is past the largest would be undefined
}

constexpr std::uint16_t to_half(double value) {
  if (magnitude_of(value) >= kHalfLimit && !is_infinite(value)) throw_float_too_large('e');
  return half_from_double(value);
}

}  // namespace socketserver::detail
