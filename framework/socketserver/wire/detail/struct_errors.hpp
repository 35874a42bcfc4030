#pragma once
// What the struct calls throw. Compiled apart, so that packing and unpacking stay straight-line code.

#include <cstddef>
#include <socketserver/base/visibility.hpp>
#include <string_view>

// Public: inline code of struct.hpp calls these from a user's program.
namespace SOCKETSERVER_PUBLIC socketserver {
namespace detail {

[[noreturn]] void throw_integer_out_of_range(char code, long long lowest, unsigned long long highest);
[[noreturn]] void throw_float_too_large(char code);
[[noreturn]] void throw_unpack_size(std::size_t needed);
[[noreturn]] void throw_iter_unpack_size(std::size_t needed);
/// @param call  "pack_into" or "unpack_from", @param doing  "packing" or "unpacking".
[[noreturn]] void throw_no_room(std::string_view call, std::string_view doing, std::size_t needed, std::size_t offset,
                                std::size_t available);

}  // namespace detail
}  // namespace socketserver
