#pragma once
// What a server knows of a connection beyond its being a stream.

#include <cstdint>
#include <socketserver/base/visibility.hpp>
#include <socketserver/io/stream.hpp>
#include <socketserver/net/file_descriptor.hpp>

namespace socketserver::detail {

class SOCKETSERVER_PUBLIC ServedStream : public Stream {
 public:
  /// Bytes so far. Threads: any.
  virtual std::uint64_t bytes_in() const noexcept = 0;
  virtual std::uint64_t bytes_out() const noexcept = 0;
  /// Whether the peer has sent EOF, and all before it was read. Threads: the owner.
  virtual bool at_eof() const noexcept = 0;
  /// Whether this side has shut reading down, as a drain may. Linux then answers what comes after a FIN with
  /// a reset, so whoever has replies under way holds the FIN back until they are acknowledged.
  virtual bool read_is_shut() const noexcept = 0;
  /// Gives the socket away, if there is one; the stream is closed. As close() it waits for a sendall under way in
  /// another thread.
  virtual FileDescriptor release() noexcept = 0;
};

}  // namespace socketserver::detail
