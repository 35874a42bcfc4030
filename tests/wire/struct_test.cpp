#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <socketserver/base/errors.hpp>
#include <socketserver/wire/struct.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "hex.hpp"
#include "support/catch.hpp"

using socketserver::Struct;
using socketserver::StructError;
using namespace std::string_literals;

namespace {

template <typename Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const StructError& error) {
    return error.what();
  }
  return "no StructError";
}

template <typename S, typename... Types>
constexpr bool kUnpacksTo = std::is_same_v<typename S::Values, std::tuple<Types...>>;

}  // namespace

TEST_CASE("the record of the specification packs and unpacks in every byte order") {
  using Network = Struct<"! I 2s Q 2h f">;
  using Little = Struct<"< I 2s Q 2h f">;
  using Native = Struct<"@ I 2s Q 2h f">;
  STATIC_REQUIRE(Network::size == 22);
  STATIC_REQUIRE(Little::size == 22);
  STATIC_REQUIRE(Native::size == 24);
  STATIC_REQUIRE(kUnpacksTo<Network, std::uint32_t, std::string, std::uint64_t, std::int16_t, std::int16_t, float>);

  const Network::Values values{1, "ab", 2, 3, 3, 2.5F};
  CHECK(hex(Network::pack(1, "ab", 2, 3, 3, 2.5)) == "00000001616200000000000000020003000340200000");
  CHECK(Network::unpack(from_hex("00000001616200000000000000020003000340200000")) == values);
  CHECK(hex(Little::pack(1, "ab", 2, 3, 3, 2.5)) == "01000000616202000000000000000300030000002040");
  CHECK(Little::unpack(from_hex("01000000616202000000000000000300030000002040")) == values);
  CHECK(hex(Native::pack(1, "ab", 2, 3, 3, 2.5)) == "010000006162000002000000000000000300030000002040");
  CHECK(Native::unpack(from_hex("010000006162000002000000000000000300030000002040")) == values);
}

TEST_CASE("integers keep their sign and their order") {
  CHECK(hex(Struct<"<h">::pack(-700)) == "44fd");
  CHECK(Struct<"<h">::unpack(from_hex("44fd")) == std::tuple(std::int16_t{-700}));
  CHECK(hex(Struct<">I">::pack(4224967296)) == "fbd3e280");
  CHECK(hex(Struct<">q">::pack(-2)) == "fffffffffffffffe");
  CHECK(hex(Struct<"=H">::pack(1)) == hex(Struct<"@H">::pack(1)));
}

TEST_CASE("half floats round to nearest, ties to even") {
  using Half = Struct<">e">;
  CHECK(hex(Half::pack(65504)) == "7bff");
  CHECK(hex(Half::pack(65519)) == "7bff");
  CHECK(hex(Half::pack(std::ldexp(1.0, -25))) == "0000");
  CHECK(hex(Half::pack(std::nextafter(std::ldexp(1.0, -25), 1.0))) == "0001");
  CHECK(hex(Half::pack(std::ldexp(3.0, -25))) == "0002");
  CHECK(hex(Half::pack(1 + std::ldexp(1.0, -11))) == "3c00");
  CHECK(hex(Half::pack(1 + std::ldexp(3.0, -11))) == "3c02");
  CHECK(hex(Half::pack(-0.0)) == "8000");
  CHECK(hex(Half::pack(-std::numeric_limits<double>::infinity())) == "fc00");
  CHECK(hex(Half::pack(std::numeric_limits<double>::quiet_NaN())) == "7e00");
  CHECK(Half::unpack(from_hex("0001")) == std::tuple(std::ldexp(1.0F, -24)));
  CHECK(Half::unpack(from_hex("c000")) == std::tuple(-2.0F));
  CHECK(std::isnan(std::get<0>(Half::unpack(from_hex("7e01")))));
}

TEST_CASE("every half float survives unpack and pack") {
  using Half = Struct<"<e">;
  using Bits = Struct<"<H">;
  unsigned wrong = 0;
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const auto [value] = Half::unpack(Bits::pack(bits));
    const auto [again] = Bits::unpack(Half::pack(value));
    const unsigned expected = std::isnan(value) ? bits | 0x200U : bits;
    wrong += again == expected ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("s cuts or fills with zeros and unpacks every byte") {
  CHECK(hex(Struct<"11s">::pack("helloworld")) == "68656c6c6f776f726c6400");
  CHECK(hex(Struct<"3s">::pack("helloworld"s)) == "68656c");
  CHECK(Struct<"4s">::unpack("a\0b\0"s) == std::tuple("a\0b\0"s));
  CHECK(hex(Struct<"2s">::pack(std::string_view())) == "0000");
  CHECK(Struct<"0s">::unpack(""s) == std::tuple(""s));
  CHECK(Struct<"s">::size == 1);
}

TEST_CASE("p has its length in the first byte") {
  CHECK(hex(Struct<"5p">::pack("abc")) == "0361626300");
  CHECK(hex(Struct<"3p">::pack("abc")) == "026162");
  CHECK(hex(Struct<"1p">::pack("abc")) == "00");
  CHECK(Struct<"0p">::unpack(""s) == std::tuple(""s));
  CHECK(Struct<"0p">::pack("abc").empty());
  CHECK(Struct<"3p">::unpack("\xFF"
                             "ab"s) == std::tuple("ab"s));
}

TEST_CASE("p of more than 256 bytes is filled, but its length stops at 255") {
  using Long = Struct<"300p">;
  const std::string text(299, 'x');
  const auto bytes = Long::pack(text);
  CHECK(hex(bytes).starts_with("ff78"));
  CHECK(bytes[299] == std::byte{'x'});
  CHECK(std::get<0>(Long::unpack(bytes)) == std::string(255, 'x'));
}

TEST_CASE("native formats align, standard formats do not") {
  CHECK(hex(Struct<"@ci">::pack('\x2a', 0x12131415)) == "2a00000015141312");
  CHECK(hex(Struct<"<ci">::pack('\x2a', 0x12131415)) == "2a15141312");
  STATIC_REQUIRE(Struct<"@llh0l">::size == 24);
  STATIC_REQUIRE(Struct<"@llh">::size == 18);
  STATIC_REQUIRE(Struct<"=llh0l">::size == 10);
  STATIC_REQUIRE(Struct<"ic">::size == 5);
  STATIC_REQUIRE(kUnpacksTo<Struct<"lLnNP">, long, unsigned long, std::ptrdiff_t, std::size_t, std::uintptr_t>);
  STATIC_REQUIRE(kUnpacksTo<Struct<"=lL">, std::int32_t, std::uint32_t>);
  CHECK(hex(Struct<"@llh0l">::pack(1, 2, 3)).substr(32) == "0300000000000000");
}

TEST_CASE("x packs zeros, is skipped and takes no value") {
  const Struct<">2s2xH">::Values values{"ab", std::uint16_t{7}};
  CHECK(Struct<">2s2xH">::unpack(from_hex("6162ffff0007")) == values);
  CHECK(hex(Struct<">2s2xH">::pack("ab", 7)) == "616200000007");
}

TEST_CASE("counts and blanks follow Python's rules") {
  STATIC_REQUIRE(kUnpacksTo<Struct<"4h">, std::int16_t, std::int16_t, std::int16_t, std::int16_t>);
  STATIC_REQUIRE(kUnpacksTo<Struct<"0c">>);
  STATIC_REQUIRE(kUnpacksTo<Struct<"0s">, std::string>);
  STATIC_REQUIRE(kUnpacksTo<Struct<"10s">, std::string>);
  STATIC_REQUIRE(kUnpacksTo<Struct<"!\t h\n\v\f\r2c ">, std::int16_t, char, char>);
  STATIC_REQUIRE(Struct<"007h">::size == 14);
  STATIC_REQUIRE(Struct<"">::size == 0);
  STATIC_REQUIRE(Struct<"!">::size == 0);
  STATIC_REQUIRE(Struct<"9223372036854775807x">::size == 9223372036854775807U);
  CHECK(Struct<"">::unpack(""s) == std::tuple());
  CHECK(Struct<"">::pack().empty());
}

TEST_CASE("any non-zero byte is true") {
  CHECK(Struct<"3?">::unpack(from_hex("000180")) == std::tuple(false, true, true));
  CHECK(hex(Struct<"3?">::pack(false, 5, 0.5)) == "000101");
}

TEST_CASE("many values are one struct") {
  using Block = Struct<"100B">;
  std::array<std::byte, 100> bytes{};
  bytes[99] = std::byte{7};
  CHECK(std::get<99>(Block::unpack(bytes)) == 7);
}

TEST_CASE("pack is a constant where its values are") {
  constexpr auto kBytes = Struct<"! H 3s e 3p">::pack(0x0102, "ab", 1.0, "z");
  STATIC_REQUIRE(kBytes[1] == std::byte{2});
  CHECK(hex(kBytes) == "01026162003c00017a00");
  STATIC_REQUIRE(std::get<0>(Struct<">H">::unpack(Struct<">H">::pack(515))) == 515);
}

TEST_CASE("an integer out of range is an error for every type") {
  CHECK(error_of([] { Struct<"h">::pack(32768); }) == "'h' format requires -32768 <= number <= 32767");
  CHECK(error_of([] { Struct<"!h">::pack(-32769L); }) == "'h' format requires -32768 <= number <= 32767");
  CHECK(error_of([] { Struct<"B">::pack(-1); }) == "'B' format requires 0 <= number <= 255");
  CHECK(error_of([] { Struct<"I">::pack(1ULL << 32U); }) == "'I' format requires 0 <= number <= 4294967295");
  CHECK(error_of([] { Struct<"Q">::pack(-1); }) == "'Q' format requires 0 <= number <= 18446744073709551615");
  CHECK(error_of([] { Struct<"q">::pack(~0ULL); }) ==
        "'q' format requires -9223372036854775808 <= number <= 9223372036854775807");
  CHECK(hex(Struct<">b">::pack(-128LL)) == "80");
  CHECK(hex(Struct<">B">::pack(true)) == "01");
}

TEST_CASE("a number that would become an infinity is an error") {
  const double largest = std::numeric_limits<float>::max();
  CHECK(error_of([] { Struct<"f">::pack(1e39); }) == "float too large to pack with f format");
  CHECK(error_of([] { Struct<"!f">::pack(-0x1.FFFFFFp127); }) == "float too large to pack with f format");
  CHECK(hex(Struct<">f">::pack(std::nextafter(0x1.FFFFFFp127, 0))) == "7f7fffff");
  CHECK(hex(Struct<">f">::pack(-largest)) == "ff7fffff");
  CHECK(hex(Struct<">f">::pack(std::numeric_limits<double>::infinity())) == "7f800000");
  CHECK(error_of([] { Struct<"e">::pack(65520); }) == "float too large to pack with e format");
  CHECK(error_of([] { Struct<"e">::pack(-1e300); }) == "float too large to pack with e format");
  CHECK(std::isnan(std::get<0>(Struct<"f">::unpack(Struct<"f">::pack(std::nan(""))))));
}

TEST_CASE("unpack takes exactly its size, as text, array, vector or span") {
  using Number = Struct<"<q">;
  const auto bytes = Number::pack(-5);
  const std::vector<std::byte> copy(bytes.begin(), bytes.end());
  CHECK(Number::unpack(bytes) == std::tuple(std::int64_t{-5}));
  CHECK(Number::unpack(copy) == std::tuple(std::int64_t{-5}));
  CHECK(Number::unpack(std::span(copy)) == std::tuple(std::int64_t{-5}));
  CHECK(Number::unpack("\1\0\0\0\0\0\0\0"s) == std::tuple(std::int64_t{1}));
  CHECK(error_of([] { Number::unpack("short"); }) == "unpack requires a buffer of 8 bytes");
  CHECK(error_of([] { Number::unpack("nine byte"s); }) == "unpack requires a buffer of 8 bytes");
  CHECK(error_of([] { Number::unpack(std::string_view()); }) == "unpack requires a buffer of 8 bytes");
}

TEST_CASE("pack_into writes its own bytes and no others") {
  std::array<std::byte, 6> buffer{};
  buffer.fill(std::byte{0xEE});
  Struct<">Hx">::pack_into(buffer, 2, 0x0102);
  CHECK(hex(buffer) == "eeee010200ee");
  CHECK(error_of([&] { Struct<">Hx">::pack_into(buffer, 4, 1); }) ==
        "pack_into requires a buffer of at least 7 bytes for packing 3 bytes at offset 4 (actual buffer size "
        "is 6)");
  CHECK(error_of([&] { Struct<">BH">::pack_into(buffer, 0, 1, 70000); }) == "'H' format requires 0 <= number <= 65535");
  CHECK(hex(buffer) == "eeee010200ee");
}

TEST_CASE("unpack_from reads at an offset and checks it") {
  const std::string bytes = from_hex("ff01020304");
  CHECK(Struct<">H">::unpack_from(bytes) == std::tuple(std::uint16_t{0xFF01}));
  CHECK(Struct<">H">::unpack_from(bytes, 3) == std::tuple(std::uint16_t{0x0304}));
  CHECK(error_of([&] { Struct<">H">::unpack_from(bytes, 4); }) ==
        "unpack_from requires a buffer of at least 6 bytes for unpacking 2 bytes at offset 4 "
        "(actual buffer size is 5)");
  CHECK(error_of([&] { Struct<">H">::unpack_from(bytes, 99); }).starts_with("unpack_from requires"));
  CHECK(error_of([&] { Struct<">H">::unpack_from(bytes, static_cast<std::size_t>(-1)); }) ==
        "unpack_from requires a buffer of more bytes for unpacking 2 bytes at offset 18446744073709551615 "
        "(actual buffer size is 5)");
}

TEST_CASE("iter_unpack goes through a multiple of the size") {
  using Pair = Struct<">IB">;
  const std::string bytes = from_hex("0102030405060708090a");
  std::vector<Pair::Values> pairs;
  for (const auto& [number, byte] : Pair::iter_unpack(bytes)) pairs.emplace_back(number, byte);
  CHECK(pairs == std::vector<Pair::Values>{{0x01020304U, std::uint8_t{5}}, {0x06070809U, std::uint8_t{10}}});
  CHECK(Pair::iter_unpack(bytes).size() == 2);
  CHECK(Pair::iter_unpack(std::string_view()).empty());
  CHECK(error_of([&] { Pair::iter_unpack(std::string_view(bytes).substr(1)); }) ==
        "iterative unpacking requires a buffer of a multiple of 5 bytes");
  STATIC_REQUIRE(std::forward_iterator<decltype(Pair::iter_unpack(bytes).begin())>);
}
