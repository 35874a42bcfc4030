#pragma once
// A stream of which the first bytes have been read already, as by a layer that had to look at them.

#include <socketserver/base/visibility.hpp>
#include <socketserver/io/stream.hpp>
#include <string>

namespace socketserver::detail {

/// Reads the prefix before what the stream below has. Threads: as Stream.
class SOCKETSERVER_PUBLIC PrefixedStream final : public Stream {
 public:
  /// @param below  outlives this stream.
  PrefixedStream(Stream& below, std::string prefix) : below_(below), prefix_(std::move(prefix)) {}

  void shutdown(ShutdownHow how) noexcept override { below_.shutdown(how); }
  IoResult shutdown_write(Deadline deadline) noexcept override { return below_.shutdown_write(deadline); }
  void close() noexcept override;
  void drain() noexcept override { below_.drain(); }
  void abort() noexcept override { below_.abort(); }
  const Clock& clock() const noexcept override { return below_.clock(); }
  IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) override;
  bool end_is_local() const noexcept override { return below_.end_is_local(); }
  bool waits_without_buffer() const noexcept override { return below_.waits_without_buffer(); }
  IoResult wait_some(Deadline deadline, Wait wait) override;
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override {
    return below_.write_some(bytes, deadline);
  }

 private:
  Stream& below_;
  std::string prefix_;
  std::size_t taken_ = 0;  // of the prefix
};

}  // namespace socketserver::detail
