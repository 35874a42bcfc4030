#pragma once
// Types and exceptions in words, for logs and reports.

#include <exception>
#include <socketserver/base/visibility.hpp>
#include <string>
#include <typeinfo>

namespace socketserver::detail {

/// @returns the name as it is written in the source.
SOCKETSERVER_PUBLIC std::string type_name(const std::type_info& type);

/// @returns the type of an exception, of any type, and its text: "std::runtime_error: no such user", or "an
/// exception of type int".
SOCKETSERVER_PUBLIC std::string describe(const std::exception_ptr& exception);

}  // namespace socketserver::detail
