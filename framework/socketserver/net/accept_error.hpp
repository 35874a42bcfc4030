#pragma once
// What a failed accept means.

#include <system_error>

namespace socketserver::detail {

/// Source: accept(2).
enum class AcceptError {
  transient,  // this connection is gone, or none was waiting: continue
  resource,   // descriptors or memory are short: wait, then retry
  fatal,      // the listening socket is of no use
};

/// @param error  of accept4(2). What is not known here is about one connection: transient.
AcceptError classify_accept_error(std::error_code error) noexcept;

}  // namespace socketserver::detail
