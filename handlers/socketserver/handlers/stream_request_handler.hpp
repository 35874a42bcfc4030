#pragma once
// The base of handlers that read and write through buffers, line by line or by counted bytes.

#include <cstddef>
#include <optional>
#include <socketserver/base/visibility.hpp>
#include <socketserver/handlers/base_request_handler.hpp>
#include <socketserver/io/reader.hpp>
#include <socketserver/io/writer.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

/// In bytes; what is left out comes from the configuration's limits.
struct StreamOptions {
  std::optional<std::size_t> max_line{};      ///< the longest line, its end included
  std::optional<std::size_t> read_buffer{};   ///< read at a time
  std::optional<std::size_t> write_buffer{};  ///< collected before they are sent; 0 sends each write
};

/// Adds rfile() and wfile(), which are there from setup() to finish(). What was written is flushed before the
/// handler waits for input, and after finish(), also when handle() threw.
class StreamRequestHandler : public BaseRequestHandler {
 public:
  /// @param options  what this kind of handler needs; the configuration's limits are not used.
  explicit StreamRequestHandler(const StreamOptions& options = {}) : options_(options) {}

 protected:
  /// Reads the connection: Python's self.rfile.
  Reader& rfile() noexcept { return *rfile_; }
  /// Writes to it, through a buffer: Python's self.wfile.
  Writer& wfile() noexcept { return *wfile_; }

  void run_phases() final;

 private:
  class Attached;

  StreamOptions options_;
  Reader* rfile_ = nullptr;  // null outside run(), as wfile_
  Writer* wfile_ = nullptr;
};

}  // namespace socketserver
