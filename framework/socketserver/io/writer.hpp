#pragma once
// Buffered writing to a stream: Python's wfile, tied to the stream's reads.

#include <charconv>
#include <concepts>
#include <cstddef>
#include <socketserver/base/visibility.hpp>
#include <socketserver/io/detail/block.hpp>
#include <socketserver/io/stream.hpp>
#include <span>
#include <string_view>

namespace SOCKETSERVER_PUBLIC socketserver {

inline constexpr std::size_t kDefaultWriteBuffer = 4096;  ///< bytes

/// Collects what is written and sends it when the buffer is full, when the stream is about to wait for input,
/// and on flush(). So a batch of pipelined requests is answered in one send, and no reply waits in the buffer
/// while the peer waits for it. Destruction does not flush: it could not report a failure. All calls throw
/// TimeoutError and StreamError as Stream::sendall does; what was not sent is then lost. Threads: the
/// stream's reader only. Others use Stream::sendall, which is not ordered with the buffer.
class Writer {
 public:
  /// @param stream        outlives the writer, which it is tied to (Stream::tie) until the writer's end.
  /// @param buffer_bytes  0 sends every write at once, as Python's wfile does.
  explicit Writer(Stream& stream, std::size_t buffer_bytes = kDefaultWriteBuffer);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  /// Takes all of the bytes. A full buffer is sent; a write larger than the buffer is sent directly.
  void write(std::string_view bytes);
  /// @overload
  void write(std::span<const std::byte> bytes);
  /// Sends what is in the buffer, in one sendall; nothing if it is empty.
  void flush();
  /// The same without exceptions.
  IoResult try_flush();

 private:
  IoResult try_write(std::string_view bytes);

  Stream& stream_;
  std::size_t capacity_;
  detail::Block buffer_;  // while there is something in it
  std::size_t used_ = 0;
};

/// Writes text as it is, without an end of line.
inline Writer& operator<<(Writer& out, std::string_view text) {
  out.write(text);
  return out;
}

/// Writes one byte.
inline Writer& operator<<(Writer& out, char c) { return out << std::string_view(&c, 1); }

/// Deleted: "1" and "true" are equally plausible, so the caller chooses.
template <std::same_as<bool> T>
Writer& operator<<(Writer& out, T value) = delete;

/// Numbers in decimal, the shortest text that reads back as the same value.
template <typename Number>
requires((std::integral<Number> || std::floating_point<Number>)&&!std::same_as<Number, char> &&
         !std::same_as<Number, bool>) Writer&
operator<<(Writer& out, Number number) {
  char text[64];
  return out << std::string_view(text, std::to_chars(text, text + sizeof text, number).ptr);
}

}  // namespace socketserver
