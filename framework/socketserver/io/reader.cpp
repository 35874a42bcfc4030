#include <socketserver/io/reader.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <socketserver/base/text.hpp>
#include <utility>

namespace socketserver {
namespace {

constexpr std::size_t kBlock = 65536;  // how far read(n) runs ahead of what has arrived

std::span<std::byte> writable(char* data, std::size_t size) { return std::as_writable_bytes(std::span(data, size)); }

}  // namespace

Reader::Reader(Stream& stream, ReaderOptions options) : stream_(stream), options_(options) {
  options_.max_line = std::max<std::size_t>(options_.max_line, 1);
  options_.read_buffer = std::max<std::size_t>(options_.read_buffer, 1);
}

std::optional<std::string_view> Reader::read_until(std::string_view delimiter) {
  assert(!delimiter.empty());
  return read_through(delimiter, options_.max_line);
}

std::optional<std::string_view> Reader::readline(std::size_t limit) {
  if (limit == 0) return std::string_view{};
  return read_through("\n", std::min(limit, options_.max_line));
}

/// Reads through the delimiter, or `most` bytes if it is not among them: then they are a part, or, at max_line, too
/// long.
std::optional<std::string_view> Reader::read_through(std::string_view delimiter, std::size_t most) {
  std::size_t searched = 0;
  for (;;) {
    const std::string_view seen = buffered().substr(0, most);
    const std::size_t from = searched < delimiter.size() ? 0 : searched - delimiter.size() + 1;
    if (const std::size_t at = seen.find(delimiter, from); at != std::string_view::npos) {
      return take(at + delimiter.size());
    }
    if (seen.size() == options_.max_line) throw LineTooLong(options_.max_line);
    if (seen.size() == most) return take(most);
    searched = seen.size();
    if (!fill(most, !seen.empty())) {
      if (buffered().empty()) return std::nullopt;
      return take(buffered().size());
    }
  }
}

std::size_t Reader::read(std::span<std::byte> into) {
  const std::size_t got = read_rest(into, 0);
  consumed(got);
  return got;
}

std::string Reader::read(std::size_t n) {
  std::string bytes;
  for (;;) {
    const std::size_t have = bytes.size();
    bytes.resize(have + std::min(n - have, std::max(kBlock, have)));
    const std::size_t got = read_rest(writable(bytes.data(), bytes.size()), have);
    if (got == n || got < bytes.size()) {
      consumed(got);
      bytes.resize(got);
      return bytes;
    }
  }
}

/// Fills `into`, of which the first `have` bytes are there. On an error all of them go back to the buffer.
/// @returns the bytes there now: fewer than asked at EOF only.
std::size_t Reader::read_rest(std::span<std::byte> into, std::size_t have) {
  try {
    while (have < into.size()) {
      const std::span<std::byte> rest = into.subspan(have);
      if (!buffered().empty()) {
        const std::string_view piece = buffered().substr(0, rest.size());
        std::memcpy(rest.data(), piece.data(), piece.size());
        begin_ += piece.size();
        have += piece.size();
      } else if (rest.size() >= options_.read_buffer) {
        const std::size_t got = receive(rest, have > 0);
        if (got == 0) break;
        have += got;
      } else if (!fill(options_.read_buffer, have > 0)) {
        break;
      }
    }
  } catch (...) {
    put_back({reinterpret_cast<const char*>(into.data()), have});
    throw;
  }
  return have;
}

std::string_view Reader::peek() {
  if (buffered().empty()) fill(options_.read_buffer, false);
  return buffered();
}

std::string_view Reader::take(std::size_t bytes) {
  const std::string_view taken = buffered().substr(0, bytes);
  begin_ += bytes;
  consumed(bytes);
  return taken;
}

/// A call has its bytes: that is the end of a message, unless message() has made it a part of one.
void Reader::consumed(std::size_t bytes) {
  if (framed_) {
    part_consumed_ = part_consumed_ || bytes > 0;
  } else {
    message_deadline_.reset();
  }
}

void Reader::frame(bool on) {
  framed_ = on;
  part_consumed_ = false;
  message_deadline_.reset();
}

/// Reads once into the buffer, which may grow to hold `most` bytes. @returns false at EOF.
bool Reader::fill(std::size_t most, bool begun) {
  const bool empty = buffered().empty();
  if (empty) {
    if (end_ > 0) last_filled_ = end_;
    begin_ = end_ = 0;
  }
  const bool wait_first = empty && stream_.waits_without_buffer();
  if (wait_first) buffer_ = {};
  const std::size_t got = timed(begun, [this, most, wait_first](Deadline until, Wait wait) {
    if (wait_first) {
      if (const IoResult waited = stream_.wait_some(until, wait); waited.error) return waited;
    }
    make_room(most);
    return stream_.receive(writable(buffer_.data() + end_, buffer_.size() - end_), until, wait);
  });
  end_ += got;
  return got > 0;
}

/// Reads once.
std::size_t Reader::receive(std::span<std::byte> into, bool begun) {
  return timed(begun, [this, into](Deadline until, Wait wait) { return stream_.receive(into, until, wait); });
}

/// Waits once. `begun`: a part of the message is here, so the read clock runs; it starts with the first such wait.
template <typename Operation>
std::size_t Reader::timed(bool begun, Operation operation) {
  begun = begun || part_consumed_;
  if (begun && message_deadline_ && message_deadline_->expired(stream_.clock())) {
    fail({0, std::make_error_code(std::errc::timed_out)}, begun);  // even if more would be there at once
  }
  if (const IoResult flushed = stream_.prepare_to_wait(); flushed.error) fail(flushed, begun);
  if (begun && !message_deadline_) message_deadline_ = stream_.deadline(stream_.timeouts().read);
  const Deadline until = begun ? *message_deadline_ : stream_.deadline(stream_.timeouts().idle);
  const IoResult result = operation(until, begun ? Wait::more : Wait::message);
  if (result.error) fail(result, begun);
  return result.bytes;
}

void Reader::fail(const IoResult& result, bool begun) {
  message_deadline_.reset();
  if (result.error == std::errc::timed_out && result.operation == IoOperation::receive) {
    throw TimeoutError(begun ? "read timeout, message incomplete" : detail::kIdleTimeout, result.bytes);
  }
  throw_stream_error(result);
}

/// Makes free space behind end_: moves the buffered bytes to the front; a full buffer grows straight to the previous
/// high-water mark. An empty one shrinks to read_buffer, since it may be held through a long wait, unless the wait is
/// already over.
void Reader::make_room(std::size_t most) {
  const std::size_t used = end_ - begin_;
  std::size_t wanted = std::max(buffer_.size(), options_.read_buffer);
  if (used == 0) wanted = options_.read_buffer;
  if (used == 0 && stream_.waits_without_buffer()) wanted = std::max(wanted, std::min(last_filled_, most));
  if (used == wanted) wanted = std::max(used + 1, std::min(std::max(2 * used, last_filled_), most));
  if (wanted != buffer_.size()) {
    detail::Block other(wanted);
    std::copy_n(buffer_.data() + begin_, used, other.data());
    buffer_ = std::move(other);
  } else if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, used);
  }
  begin_ = 0;
  end_ = used;
}

void Reader::put_back(std::string_view bytes) {
  const std::string all = concat(bytes, buffered());
  buffer_ = detail::Block(all.size() + 1);
  std::copy(all.begin(), all.end(), buffer_.data());
  begin_ = 0;
  end_ = all.size();
}

}  // namespace socketserver
