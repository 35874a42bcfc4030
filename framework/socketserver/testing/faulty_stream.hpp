#pragma once
// The stream that a handler under test gets: a scripted one, of which one operation can be made to fail.

#include <atomic>
#include <optional>
#include <socketserver/io/forwarding_stream.hpp>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/testing/run_handler.hpp>
#include <string>

namespace socketserver::testing::detail {

/// Threads: as Stream.
class FaultyStream final : public socketserver::detail::ForwardingStream {
 public:
  FaultyStream(MemoryStream& peer, const RunOptions& options);

  std::size_t operations() const { return operations_; }
  bool fault_reached() const { return fault_ && operations_ > fault_->operation; }
  /// @throws ScriptError  there were more operations than allowed.
  void require_an_end() const;

  IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) override;
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override;

 private:
  bool begin_operation();
  IoResult fail_write(std::span<const std::byte> bytes, Deadline deadline);
  std::error_code time_out(Deadline deadline);

  MemoryStream& peer_;
  const std::optional<Fault> fault_;
  const std::size_t max_operations_;
  std::atomic<std::size_t> operations_{0};
  std::atomic<bool> reset_{false};
  std::atomic<bool> timing_out_{false};  // a sendall's first try has failed; its second, with the deadline, is to fail
};

}  // namespace socketserver::testing::detail
