#include <socketserver/tls/record_buffer.hpp>

#include <algorithm>
#include <cstring>

namespace socketserver::detail {
namespace {

constexpr std::size_t kHeader = 5;                      // type, version, length. Source: RFC 8446, section 5.1
constexpr std::size_t kMaxBody = 16384 + 256 + 64;      // what OpenSSL takes of one record, encrypted
constexpr std::size_t kBlock = 17 * std::size_t{1024};  // at least one whole record
constexpr unsigned kChangeCipherSpec = 20, kAlert = 21, kHandshake = 22, kApplicationData = 23;
static_assert(kHeader + kMaxBody <= kBlock);

}  // namespace

std::span<std::byte> RecordBuffer::room() {
  if (block_.data() == nullptr) block_ = Block(kBlock);
  if (begin_ > 0) std::memmove(block_.data(), block_.data() + begin_, end_ - begin_);
  end_ -= std::exchange(begin_, 0);
  return std::as_writable_bytes(std::span(block_.data(), block_.size())).subspan(end_);
}

void RecordBuffer::added(std::size_t bytes) noexcept {
  if (bytes > 0 && !std::exchange(touched_, true)) {
    looks_like_tls_ = byte_at(0) == kHandshake || byte_at(0) == kAlert;
  }
  end_ += bytes;
  find_records();
  if (empty()) block_ = Block();
}

std::size_t RecordBuffer::take(std::span<std::byte> into) noexcept {
  const std::size_t bytes = std::min(into.size(), ready_);
  if (bytes == 0) return 0;
  std::memcpy(into.data(), block_.data() + begin_, bytes);
  begin_ += bytes;
  ready_ -= bytes;
  if (empty()) block_ = Block();
  if (empty()) begin_ = end_ = 0;
  return bytes;
}

void RecordBuffer::find_records() noexcept {
  for (;;) {
    const std::size_t record = record_at(begin_ + ready_);
    if (record == 0) return;
    ready_ += record;
  }
}

/// @returns the length of the whole record there, header included; 0 if there is none yet; all if it is no record.
std::size_t RecordBuffer::record_at(std::size_t place) const noexcept {
  const std::size_t left = end_ - place;
  if (left == 0) return 0;
  if (byte_at(place) < kChangeCipherSpec || byte_at(place) > kApplicationData) return left;
  if (left < kHeader) return 0;
  const std::size_t body = (byte_at(place + 3) << 8U) + byte_at(place + 4);
  if (body > kMaxBody) return left;
  return left >= kHeader + body ? kHeader + body : 0;
}

}  // namespace socketserver::detail
