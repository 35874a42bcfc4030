#pragma once
// A client that speaks TLS for a script in plain text: what stands between a scripted peer and a TlsStream under test.

#include <array>
#include <memory>
#include <socketserver/io/forwarding_stream.hpp>
#include <socketserver/tls/tls_stream.hpp>
#include <string>

namespace socketserver::testing::detail {

/// The contexts of both ends, with certificates that are made once.
const TlsContext& server_context();
const TlsContext& client_context();

/// What a server's TlsStream reads and writes: the client's records. The client sends what the script sends, each chunk
/// in records of its own, and the script gets what the client receives. Threads: one reader or writer at a time.
class TlsWire final : public socketserver::detail::ForwardingStream {
 public:
  /// @param script  plain text; outlives the wire.
  explicit TlsWire(Stream& script);
  ~TlsWire() override;

  bool waits_without_buffer() const noexcept override { return false; }  // the client may have records
  IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) override;
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override;

 private:
  /// The client's socket, which never waits.
  class Queue;

  IoResult take(std::span<std::byte> into);
  IoResult pass_on(Deadline deadline);

  const std::unique_ptr<Queue> queue_;
  TlsStream client_;
  std::string received_;  // plain text that the script has not got yet
  std::size_t fed_ = 0;   // bytes of the write that is being repeated
  bool ended_ = false;    // the script has ended its direction
};

}  // namespace socketserver::testing::detail
