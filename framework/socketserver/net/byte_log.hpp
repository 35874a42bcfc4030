#pragma once
// Debug lines of what a connection receives and sends.

#include <socketserver/base/text.hpp>
#include <socketserver/io/stream.hpp>
#include <socketserver/net/address.hpp>
#include <socketserver/observe/log.hpp>
#include <span>
#include <string>
#include <string_view>

namespace socketserver::detail {

/// One line for each read and each sendall: who, how many bytes, and the first of them, escaped.
class ByteLog final : public StreamObserver {
 public:
  ByteLog(Logger& log, const SocketAddress& peer) : log_(log), who_(peer.to_string()) {}

  void received(std::span<const std::byte> bytes) noexcept override { write("received", bytes); }
  void sent(std::span<const std::byte> bytes) noexcept override { write("sent", bytes); }

 private:
  static constexpr std::size_t kShown = 256;  // bytes of the escaped text

  void write(std::string_view what, std::span<const std::byte> bytes) noexcept {
    try {
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      log_.debug(concat(who_, ": ", what, " ", bytes.size(), " bytes: ", escaped(text, kShown)));
    } catch (...) {
      // Short of memory: a connection is worth more than its debug line.
    }
  }

  Logger& log_;
  const std::string who_;
};

}  // namespace socketserver::detail
