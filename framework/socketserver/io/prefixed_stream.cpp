#include <socketserver/io/prefixed_stream.hpp>

#include <algorithm>
#include <cstring>

namespace socketserver::detail {

void PrefixedStream::close() noexcept {
  end_sends();
  ForwardingStream::close();
}

IoResult PrefixedStream::read_some(std::span<std::byte> into, Deadline deadline, Wait wait) {
  const std::size_t count = std::min(into.size(), prefix_.size() - taken_);
  if (count == 0) return ForwardingStream::read_some(into, deadline, wait);
  std::memcpy(into.data(), prefix_.data() + taken_, count);
  taken_ += count;
  if (taken_ == prefix_.size()) {
    prefix_ = {};  // the memory too: the stream may live long
    taken_ = 0;
  }
  return {count, {}};
}

IoResult PrefixedStream::wait_some(Deadline deadline, Wait wait) {
  return taken_ < prefix_.size() ? IoResult{} : ForwardingStream::wait_some(deadline, wait);
}

}  // namespace socketserver::detail
