#include <socketserver/io/writer.hpp>

namespace socketserver {

Writer::Writer(Stream& stream, std::size_t buffer_bytes) : stream_(stream), capacity_(buffer_bytes) {
  stream_.tie(this);
}

Writer::~Writer() { stream_.tie(nullptr); }

void Writer::write(std::string_view bytes) {
  if (const IoResult result = try_write(bytes); result.error) throw_stream_error(result);
}

void Writer::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void Writer::flush() {
  if (const IoResult result = try_flush(); result.error) throw_stream_error(result);
}

IoResult Writer::try_write(std::string_view bytes) {
  if (bytes.size() > capacity_ - buffer_.size()) {
    if (IoResult flushed = try_flush(); flushed.error) return flushed;
    if (bytes.size() > capacity_) return stream_.try_sendall(bytes);
  }
  buffer_ += bytes;
  return {};
}

IoResult Writer::try_flush() {
  if (buffer_.empty()) return {};
  const IoResult result = stream_.try_sendall(buffer_);
  buffer_.clear();
  return result;
}

}  // namespace socketserver
