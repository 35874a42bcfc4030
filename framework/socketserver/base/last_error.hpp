#pragma once
// What errno says, as the standard library's errors.

#include <cerrno>
#include <string>
#include <system_error>

namespace socketserver::detail {

inline std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

/// @throws std::system_error  with what has failed.
[[noreturn]] inline void throw_last_error(const std::string& what) { throw std::system_error(last_error(), what); }

}  // namespace socketserver::detail
