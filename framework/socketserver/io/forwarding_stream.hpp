#pragma once
// A stream that passes every call on to the stream below: what a layer or a faulty wire in a test is made of.

#include <socketserver/io/stream.hpp>

namespace socketserver::detail {

/// A class derived from it overrides what it does otherwise. Threads: as Stream.
class ForwardingStream : public Stream {
 public:
  /// @param below  outlives this stream.
  explicit ForwardingStream(Stream& below) : below_(below) {}

  void shutdown(ShutdownHow how) noexcept override { below_.shutdown(how); }
  IoResult shutdown_write(Deadline deadline) noexcept override { return below_.shutdown_write(deadline); }
  void close() noexcept override { below_.close(); }
  void drain() noexcept override { below_.drain(); }
  void abort() noexcept override { below_.abort(); }
  const Clock& clock() const noexcept override { return below_.clock(); }
  bool end_is_local() const noexcept override { return below_.end_is_local(); }
  bool waits_without_buffer() const noexcept override { return below_.waits_without_buffer(); }
  IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) override {
    return below_.read_some(into, deadline, wait);
  }
  IoResult wait_some(Deadline deadline, Wait wait) override { return below_.wait_some(deadline, wait); }
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override {
    return below_.write_some(bytes, deadline);
  }

 protected:
  Stream& below() const noexcept { return below_; }

 private:
  Stream& below_;
};

}  // namespace socketserver::detail
