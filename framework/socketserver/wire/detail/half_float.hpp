#pragma once
// IEEE 754 binary16, the 'e' of a struct format: 1 sign bit, 5 of exponent (bias 15), 10 of fraction.
// A double goes to half in one rounding; by way of float it would be rounded twice.

#include <bit>
#include <cstdint>

namespace socketserver::detail {

inline constexpr std::uint64_t kDoubleSign = 1ULL << 63U;
inline constexpr std::uint64_t kDoubleInfinity = 0x7FFULL << 52U;
inline constexpr double kHalfLimit = 65520.0;  // halfway from the largest half, 65504, to the next: ties go up

/// @returns value / 2^shift, to nearest, ties to even. shift is 1 to 62.
constexpr std::uint64_t shift_to_even(std::uint64_t value, unsigned shift) {
  const std::uint64_t odd = (value >> shift) & 1U;
  return (value + (1ULL << (shift - 1)) - 1 + odd) >> shift;
}

/// @returns the bits of the nearest half, ties to even; a NaN keeps the upper 10 bits of its payload.
/// value is an infinity, a NaN or smaller than kHalfLimit.
constexpr std::uint16_t half_from_double(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits & kDoubleSign) >> 48U);
  const std::uint64_t magnitude = bits & ~kDoubleSign;
  if (magnitude > kDoubleInfinity) {
    const auto payload = static_cast<std::uint16_t>(magnitude >> 42U & 0x3FFU);
    return static_cast<std::uint16_t>(sign | 0x7C00U | (payload != 0 ? payload : 0x200U));  // without one: infinity
  }
  if (magnitude == kDoubleInfinity) return static_cast<std::uint16_t>(sign | 0x7C00U);
  // With the exponent's bias changed from 1023 to 15, a carry out of the fraction raises the exponent by
  // itself.
  constexpr std::uint64_t kSmallestNormal = 1009ULL << 52U;  // 2^-14
  if (magnitude >= kSmallestNormal) {
    return static_cast<std::uint16_t>(sign | shift_to_even(magnitude - (1008ULL << 52U), 42));
  }
  const auto exponent = static_cast<unsigned>(magnitude >> 52U);
  if (exponent < 998) return sign;  // below 2^-25, half the smallest subnormal
  const std::uint64_t significand = (magnitude & ((1ULL << 52U) - 1)) | (1ULL << 52U);
  return static_cast<std::uint16_t>(sign | shift_to_even(significand, 42 + 1009 - exponent));
}

/// @returns the same value, exactly.
constexpr float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  const std::uint32_t wide_exponent = exponent == 0x1F ? 0xFFU : exponent + 127 - 15;
  return std::bit_cast<float>(sign | (wide_exponent << 23U) | (fraction << 13U));
}

}  // namespace socketserver::detail
