#pragma once
// Reads the PROXY header with which a connection begins.

#include <socketserver/base/visibility.hpp>
#include <socketserver/io/stream.hpp>
#include <socketserver/net/proxy_header.hpp>
#include <string>

namespace socketserver::detail {

/// How that went: a header, or why there is none.
struct ProxyRead {
  IoResult result{};         // bytes: read in all; an error of the stream, if there was one
  const char* problem = "";  // of bytes that are no header
  ProxyHeader header{};
  std::string rest{};  // what was read behind the header
  bool complete = false;
};

/// Reads as far as it needs, in blocks. Without a byte of the header a drain ends the wait, as before any message.
/// @returns neither complete, nor an error, nor a problem where the connection ended before the header did.
SOCKETSERVER_PUBLIC ProxyRead read_proxy_header(Stream& stream, Deadline deadline);

}  // namespace socketserver::detail
