#pragma once
// A message that one thread sends as far as possible without waiting, and another thread finishes.

#include <cstddef>
#include <socketserver/io/stream.hpp>
#include <span>

namespace socketserver::detail {

/// Once the first byte has been sent all other senders of the stream wait for the last, so that the message arrives
/// whole. What finish() or give_up() has to end must not be left. Threads: one at a time.
class PartialSend {
 public:
  explicit PartialSend(Stream& stream) noexcept : stream_(stream) {}
  PartialSend(const PartialSend&) = delete;
  PartialSend& operator=(const PartialSend&) = delete;

  /// Sends what there is room for; nothing while another sender has its turn. Never waits.
  /// @returns timed_out where bytes are left, which are finish()'s; after any other error the stream is shut down.
  IoResult begin(std::span<const std::byte> bytes);
  /// Sends what is left, within the write timeout. As Stream::try_sendall(), which it is where nothing has been sent.
  IoResult finish(std::span<const std::byte> rest);
  /// Ends the connection if a part of the message has been sent: nothing else may follow that.
  void give_up() noexcept;

 private:
  Stream& stream_;
  bool begun_ = false;  // and the sender's turn is kept
};

}  // namespace socketserver::detail
