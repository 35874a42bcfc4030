#include <socketserver/io/writer.hpp>

#include <cstring>
#include <utility>

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
  if (bytes.size() > capacity_ - used_) {
    if (IoResult flushed = try_flush(); flushed.error) return flushed;
    if (bytes.size() > capacity_) return stream_.try_sendall(bytes);
  }
  if (bytes.empty()) return {};
  if (used_ == 0) buffer_ = detail::Block(capacity_);
  std::memcpy(buffer_.data() + used_, bytes.data(), bytes.size());
  used_ += bytes.size();
  return {};
}

IoResult Writer::try_flush() {
  if (used_ == 0) return {};
  const detail::Block full = std::exchange(buffer_, {});
  return stream_.try_sendall(std::string_view(full.data(), std::exchange(used_, 0)));
}

}  // namespace socketserver
