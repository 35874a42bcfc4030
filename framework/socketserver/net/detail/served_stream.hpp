#pragma once
// What a server knows of a connection beyond its being a stream.

#include <cstdint>
#include <socketserver/base/visibility.hpp>
#include <socketserver/io/stream.hpp>
#include <socketserver/net/file_descriptor.hpp>

namespace socketserver::detail {

/// What a connection on which nothing was read has come to.
enum class FirstInput {
  none,
  arrived,    // a byte, or the peer's EOF
  gone,       // the peer has reset it
  timed_out,  // the time to wait for it is over
};

class SOCKETSERVER_PUBLIC ServedStream : public Stream {
 public:
  /// Bytes so far. Threads: any.
  virtual std::uint64_t bytes_in() const noexcept = 0;
  virtual std::uint64_t bytes_out() const noexcept = 0;
  /// Whether the peer has sent EOF, and all before it was read. Threads: the owner.
  virtual bool at_eof() const noexcept = 0;
  /// Whether this side has shut reading down, as a drain may. Linux then answers what comes after a FIN with
  /// a reset, so a server with replies under way holds the FIN back until they are acknowledged.
  virtual bool read_is_shut() const noexcept = 0;
  /// @returns none, arrived or gone, without waiting or reading. Threads: the owner.
  virtual FirstInput first_input() const noexcept = 0;
  /// @returns the socket, -1 if there is none.
  virtual int native_handle() const noexcept = 0;
  /// Gives the socket away, if there is one; the stream is closed. As close() it waits for a sendall under way in
  /// another thread.
  virtual FileDescriptor release() noexcept = 0;
};

}  // namespace socketserver::detail
