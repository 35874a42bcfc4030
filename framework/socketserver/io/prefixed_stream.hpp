#pragma once
// A stream of which the first bytes have been read already, as by a layer that had to look at them.

#include <socketserver/base/visibility.hpp>
#include <socketserver/io/forwarding_stream.hpp>
#include <string>

namespace socketserver::detail {

/// Reads the prefix before what the stream below has. Threads: as Stream.
class SOCKETSERVER_PUBLIC PrefixedStream final : public ForwardingStream {
 public:
  /// @param below  outlives this stream.
  PrefixedStream(Stream& below, std::string prefix) : ForwardingStream(below), prefix_(std::move(prefix)) {}

  void close() noexcept override;
  IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) override;
  IoResult wait_some(Deadline deadline, Wait wait) override;

 private:
  std::string prefix_;
  std::size_t taken_ = 0;  // of the prefix
};

}  // namespace socketserver::detail
