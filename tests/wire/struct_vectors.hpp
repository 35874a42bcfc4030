#pragma once
// What the tests that struct_vectors.py writes are made of. A failure names the format and both sides.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <socketserver/base/errors.hpp>
#include <socketserver/wire/struct.hpp>
#include <span>
#include <string>
#include <string_view>

#include "hex.hpp"
#include "support/catch.hpp"

using namespace std::string_literals;
using namespace std::string_view_literals;
using socketserver::Struct;

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

inline void packed(std::string_view expected, std::span<const std::byte> bytes) { CHECK(hex(bytes) == expected); }

// Not CHECK(left == right): Catch would have to print each format's own tuple.
template <typename Values>
void same(const Values& unpacked, const Values& expected) {
  const bool equal = unpacked == expected;
  CHECK(equal);
}

inline void not_refused(const char* call) { FAIL_CHECK("not refused: " << call); }
inline void refused_with(std::string_view expected, const socketserver::StructError& error) {
  CHECK(std::string_view(error.what()) == expected);
}

#define REFUSED(message, call)                         \
  try {                                                \
    (void)(call);                                      \
    not_refused(#call);                                \
  } catch (const socketserver::StructError& refusal) { \
    refused_with(message, refusal);                    \
  }
