#include <socketserver/testing/faulty_stream.hpp>

#include <cstdio>
#include <cstdlib>
#include <socketserver/base/text.hpp>

namespace socketserver::testing::detail {
namespace {

constexpr std::size_t kMaxSwallowed = 1000;  // exceptions that a looping handler may swallow

std::error_code error(std::errc code) { return std::make_error_code(code); }

}  // namespace

FaultyStream::FaultyStream(MemoryStream& peer, const RunOptions& options)
    : ForwardingStream(peer), peer_(peer), fault_(options.fault), max_operations_(options.max_operations) {}

void FaultyStream::require_an_end() const {
  if (operations_ <= max_operations_) return;
  throw ScriptError(concat("the handler does not end: it has made more than ", max_operations_, " reads and writes"));
}

/// @returns whether it is the one that is to fail.
bool FaultyStream::begin_operation() {
  const std::size_t number = operations_++;
  if (number > max_operations_ + kMaxSwallowed) {
    std::fputs("socketserver::testing: the handler does not end, and catches even the ScriptError that says so\n",
               stderr);
    std::abort();
  }
  require_an_end();
  if (!fault_ || number != fault_->operation) return false;
  if (fault_->kind != Fault::Kind::short_write) peer_.ignore_expectations();
  return true;
}

IoResult FaultyStream::read_some(std::span<std::byte> into, Deadline deadline, Wait wait) {
  const bool fails = begin_operation() && fault_->kind != Fault::Kind::short_write;
  if (fails && fault_->kind == Fault::Kind::timeout) return {0, time_out(deadline)};
  if (fails) reset_ = true;
  if (reset_) return {0, error(std::errc::connection_reset)};
  return peer_.read_some(into, deadline, wait);
}

IoResult FaultyStream::write_some(std::span<const std::byte> bytes, Deadline deadline) {
  if (timing_out_.exchange(false)) return {0, time_out(deadline)};
  const bool fails = begin_operation();
  if (reset_) return {0, error(std::errc::broken_pipe)};
  return fails ? fail_write(bytes, deadline) : peer_.write_some(bytes, deadline);
}

IoResult FaultyStream::fail_write(std::span<const std::byte> bytes, Deadline deadline) {
  const bool only_short = fault_->kind == Fault::Kind::short_write;
  const std::size_t half = (bytes.size() + (only_short ? 1 : 0)) / 2;  // at least one byte, or an error
  IoResult result{};
  if (half > 0) result = peer_.write_some(bytes.first(half), deadline);
  if (result.error || only_short) return result;
  reset_ = fault_->kind == Fault::Kind::reset;
  timing_out_ = !reset_ && deadline == Deadline::at_once();
  result.error = reset_ ? error(std::errc::connection_reset) : time_out(deadline);
  return result;
}

/// Never waits. Without a deadline the kernel's own TCP timeout is simulated.
std::error_code FaultyStream::time_out(Deadline deadline) {
  if (!deadline.is_never()) peer_.advance(deadline.remaining(clock()));
  return error(std::errc::timed_out);
}

}  // namespace socketserver::testing::detail
