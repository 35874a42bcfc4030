#pragma once
// Ciphertext that has arrived and that OpenSSL has not taken yet.
//
//   | taken | whole records, for OpenSSL | part of a record | room |
//           begin_                       begin_ + ready_    end_
//
// OpenSSL gets whole records only, so what is left here says whether the peer is in the middle of one.

#include <cstddef>
#include <socketserver/io/detail/block.hpp>
#include <span>

namespace socketserver::detail {

/// Has no memory while it is empty. Bytes that are no record are passed on as they come, for OpenSSL to refuse.
/// Threads: one at a time; the room of one add() may be written to while another thread calls take().
class RecordBuffer {
 public:
  /// @returns where to put what arrives: at least one byte, if take() has returned 0.
  std::span<std::byte> room();
  /// This number of bytes has arrived there; 0 gives the memory back if it is not needed.
  void added(std::size_t bytes) noexcept;
  /// @returns how many bytes were copied: 0 if no whole record is left.
  std::size_t take(std::span<std::byte> into) noexcept;

  /// Whether nothing is left, not even a part of a record.
  bool empty() const noexcept { return begin_ == end_; }
  /// Whether a byte has ever arrived.
  bool touched() const noexcept { return touched_; }
  /// Whether the first byte can begin a handshake, or an alert instead of one.
  bool looks_like_tls() const noexcept { return looks_like_tls_; }

 private:
  void find_records() noexcept;
  std::size_t record_at(std::size_t place) const noexcept;
  unsigned byte_at(std::size_t place) const noexcept { return static_cast<unsigned char>(block_.data()[place]); }

  Block block_;
  std::size_t begin_ = 0;
  std::size_t ready_ = 0;
  std::size_t end_ = 0;
  bool touched_ = false;
  bool looks_like_tls_ = true;
};

}  // namespace socketserver::detail
