#pragma once
// Python's struct: C++ values to bytes and back, by a format that the compiler reads.
//
//   using Record = socketserver::Struct<"! I 2s Q 2h f">;
//   wfile().write(Record::pack(1, "ab", 2, 3, 3, 2.5));
//   auto [id, tag, total, low, high, share] = Record::unpack(rfile().read(Record::size));
//
// A format that is wrong does not compile, and the message says why. docs/struct.md has all characters.

#include <algorithm>
#include <array>
#include <cstddef>
#include <socketserver/base/errors.hpp>
#include <socketserver/base/visibility.hpp>
#include <socketserver/wire/detail/struct_codec.hpp>
#include <socketserver/wire/detail/struct_errors.hpp>
#include <socketserver/wire/detail/struct_layout.hpp>
#include <socketserver/wire/detail/struct_range.hpp>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Packs and unpacks values by one format. All members are static; there is nothing to construct.
/// Errors: StructError, in Python's words.
/// Threads: any.
/// Source: Python's struct module.
template <detail::FixedString Format>
class Struct {
  static constexpr detail::FormatSummary kSummary = detail::summarize(Format.view());
  static constexpr auto kItems = detail::list_items<kSummary.values>(Format.view());
  static constexpr std::make_index_sequence<kSummary.values> kIndices{};
  static constexpr bool kGood = kSummary.error == detail::FormatError::none;
  static_assert(detail::FormatCheck<kSummary.error, kSummary.position, kSummary.character>::kChecked);

  template <std::size_t... I>
  static auto values(std::index_sequence<I...>) -> std::tuple<detail::ItemValue<kItems[I].code, kSummary.native>...>;

 public:
  Struct() = delete;

  /// In bytes: Python's calcsize.
  static constexpr std::size_t size = kSummary.size;

  /// What unpack returns: a std::tuple with one element for each item.
  using Values = decltype(values(kIndices));

  /// Packs one value for each item. Integer items take any integer, e f d ? any number, s and p what a
  /// string_view can be made of, c a char. Padding is zeros.
  /// @throws StructError  an integer is out of its item's range, or a number too large for f or e.
  template <typename... V>
  static constexpr std::array<std::byte, size> pack(const V&... values) {
    static_assert(!kGood || sizeof...(V) == kSummary.values, "struct pack: the format takes another number of values");
    std::array<std::byte, size> bytes{};
    if constexpr (sizeof...(V) == kSummary.values) write(bytes.data(), kIndices, values...);
    return bytes;
  }

  /// Packs into the buffer from the offset on.
  /// @throws StructError  as pack(), or the buffer is too small. Nothing has then been written.
  template <typename... V>
  static constexpr void pack_into(std::span<std::byte> buffer, std::size_t offset, const V&... values) {
    if (offset > buffer.size() || buffer.size() - offset < size) {
      detail::throw_no_room("pack_into", "packing", size, offset, buffer.size());
    }
    const auto bytes = pack(values...);
    std::copy_n(bytes.data(), size, buffer.data() + offset);
  }

  /// Unpacks one struct. @param bytes  exactly size of them. Text that was read is taken as bytes, here as below.
  /// @throws StructError  they are more or fewer.
  static constexpr Values unpack(std::span<const std::byte> bytes) {
    if (bytes.size() != size) detail::throw_unpack_size(size);
    return unpack_at(bytes.data());
  }
  /// @overload
  static Values unpack(std::string_view bytes) { return unpack(std::as_bytes(std::span(bytes))); }

  /// Unpacks from the offset on; what follows is left alone.
  /// @throws StructError  fewer than size bytes are there.
  static constexpr Values unpack_from(std::span<const std::byte> bytes, std::size_t offset = 0) {
    if (offset > bytes.size() || bytes.size() - offset < size) {
      detail::throw_no_room("unpack_from", "unpacking", size, offset, bytes.size());
    }
    return unpack_at(bytes.data() + offset);
  }
  /// @overload
  static Values unpack_from(std::string_view bytes, std::size_t offset = 0) {
    return unpack_from(std::as_bytes(std::span(bytes)), offset);
  }

  /// Unpacks one struct after the other: for (auto [id, share] : Pair::iter_unpack(bytes)).
  /// @returns a forward range over the bytes, which it does not own.
  /// @throws StructError  the bytes are no multiple of size.
  static auto iter_unpack(std::span<const std::byte> bytes) {
    static_assert(!kGood || size > 0, "cannot iteratively unpack with a struct of length 0");
    if constexpr (size > 0) {
      if (bytes.size() % size != 0) detail::throw_iter_unpack_size(size);
      return detail::StructRange<Struct>(bytes.data(), bytes.size() / size);
    }
  }
  /// @overload
  static auto iter_unpack(std::string_view bytes) { return iter_unpack(std::as_bytes(std::span(bytes))); }

  // A range-for over a temporary would read freed memory: name the bytes first.
  static void iter_unpack(const std::string&&) = delete;
  static void iter_unpack(const std::vector<std::byte>&&) = delete;
  template <std::size_t N>
  static void iter_unpack(const std::array<std::byte, N>&&) = delete;

 private:
  friend class detail::StructRange<Struct>;

  template <std::size_t... I, typename... V>
  static constexpr void write([[maybe_unused]] std::byte* to, std::index_sequence<I...>, const V&... values) {
    (detail::pack_item<kItems[I].code, kSummary.native, kSummary.order>(to + kItems[I].offset, kItems[I].bytes, values),
     ...);
  }

  static constexpr Values unpack_at(const std::byte* from) { return read(from, kIndices); }

  template <std::size_t... I>
  static constexpr Values read([[maybe_unused]] const std::byte* from, std::index_sequence<I...>) {
    return Values(detail::unpack_item<kItems[I].code, kSummary.native, kSummary.order>(from + kItems[I].offset,
                                                                                       kItems[I].bytes)...);
  }
};

}  // namespace socketserver
