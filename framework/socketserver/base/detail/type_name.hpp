#pragma once
// Types and exceptions in words, for logs and reports.

#include <exception>
#include <string>
#include <typeinfo>

namespace socketserver::detail {

/// @returns the name as it is written in the source.
std::string type_name(const std::type_info& type);

/// @returns the type of an exception, of any type, and its text: "std::runtime_error: no such user", or "an
/// exception of type int".
std::string describe(const std::exception_ptr& exception);

}  // namespace socketserver::detail
