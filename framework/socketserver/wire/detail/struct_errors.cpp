#include <socketserver/wire/detail/struct_errors.hpp>

#include <socketserver/base/errors.hpp>
#include <socketserver/base/text.hpp>

namespace socketserver::detail {

void throw_integer_out_of_range(char code, long long lowest, unsigned long long highest) {
  throw StructError(concat("'", code, "' format requires ", lowest, " <= number <= ", highest));
}

void throw_float_too_large(char code) { throw StructError(concat("float too large to pack with ", code, " format")); }

void throw_unpack_size(std::size_t needed) {
  throw StructError(concat("unpack requires a buffer of ", needed, " bytes"));
}

void throw_iter_unpack_size(std::size_t needed) {
  throw StructError(concat("iterative unpacking requires a buffer of a multiple of ", needed, " bytes"));
}

// Python adds offset and size up; here the sum could wrap, as an offset computed below zero makes it do.
void throw_no_room(std::string_view call, std::string_view doing, std::size_t needed, std::size_t offset,
                   std::size_t available) {
  const bool wraps = offset + needed < offset;
  const std::string room = wraps ? "more" : concat("at least ", offset + needed);
  throw StructError(concat(call, " requires a buffer of ", room, " bytes for ", doing, " ", needed, " bytes at offset ",
                           offset, " (actual buffer size is ", available, ")"));
}

}  // namespace socketserver::detail
