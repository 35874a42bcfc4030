#pragma once
// Buffered, bounded reading from a stream: Python's rfile.
//
// The idle clock bounds the wait for a message's first byte; the read clock runs from there to its last byte,
// and a peer that drips does not extend it. A message is what one call below returns.

#include <cstddef>
#include <optional>
#include <socketserver/base/visibility.hpp>
#include <socketserver/io/detail/block.hpp>
#include <socketserver/io/stream.hpp>
#include <span>
#include <string>
#include <string_view>

namespace SOCKETSERVER_PUBLIC socketserver {

inline constexpr std::size_t kDefaultMaxLine = 65536;    ///< bytes
inline constexpr std::size_t kDefaultReadBuffer = 4096;  ///< bytes

/// Both at least 1; a 0 is taken as 1.
struct ReaderOptions {
  std::size_t max_line = kDefaultMaxLine;        ///< longest line in bytes, its end included
  std::size_t read_buffer = kDefaultReadBuffer;  ///< bytes asked for at a time; grows up to max_line for a long line
};

/// Reads one stream. All calls that wait throw TimeoutError where the idle or read clock, or the lifetime, ran out
/// (the bytes that have arrived stay for the next call), and StreamError where the connection failed.
/// Threads: one at a time; safe while other threads send on the stream.
class Reader {
 public:
  class Lines;
  class Message;

  /// @param stream  outlives the reader. Bytes that the reader has buffered are no longer visible to stream.recv().
  explicit Reader(Stream& stream, ReaderOptions options = {});

  /// Reads through the next `\n`, which is kept (`\r` is left alone).
  /// @returns the line; at EOF the unterminated rest, once; nullopt after it. Valid until the next call.
  /// @throws LineTooLong  no `\n` within max_line bytes; nothing is consumed.
  /// Source: Python io, readline, with a bound.
  std::optional<std::string_view> readline() { return read_until("\n"); }
  /// The same, but at most limit bytes; the next call continues from there.
  std::optional<std::string_view> readline(std::size_t limit);
  /// Reads through the next delimiter, which is kept. Otherwise as readline().
  /// @param delimiter  one byte or more.
  std::optional<std::string_view> read_until(std::string_view delimiter);

  /// Reads n bytes, fewer only at EOF. Memory grows with what arrives, not with n.
  std::string read(std::size_t n);
  /// The same into the caller's memory. @returns the number of bytes.
  std::size_t read(std::span<std::byte> into);

  /// While the result lives, all reads form one message: they share one read clock, and a drain waits for the whole
  /// message. For a header that gives the length of what follows. Must end before the reader; one at a time.
  Message message();

  /// Waits for at least one byte and consumes nothing.
  /// @returns all that is buffered, empty at EOF. Valid until the next call.
  std::string_view peek();

  /// @returns a range over the lines: for (std::string_view line : reader.lines()). Throws as readline().
  Lines lines();

 private:
  std::string_view buffered() const { return {buffer_.data() + begin_, end_ - begin_}; }
  std::optional<std::string_view> read_through(std::string_view delimiter, std::size_t most);
  std::string_view take(std::size_t bytes);
  bool fill(std::size_t most, bool begun);
  std::size_t receive(std::span<std::byte> into, bool begun);
  template <typename Operation>
  std::size_t timed(bool begun, Operation operation);
  [[noreturn]] void fail(const IoResult& result, bool begun);
  void make_room(std::size_t most);
  std::size_t read_rest(std::span<std::byte> into, std::size_t have);
  void put_back(std::string_view bytes);
  void consumed(std::size_t bytes);
  void frame(bool on);

  // buffer_:  | consumed | buffered | free |
  //           0        begin_     end_    size
  Stream& stream_;
  ReaderOptions options_;
  detail::Block buffer_;  // given up while there is nothing in it, where the stream can wait without
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t last_filled_ = 0;               // bytes that it had at its fullest, the last time it was emptied
  std::optional<Deadline> message_deadline_;  // set while a message has begun and is not complete
  bool framed_ = false;                       // several calls make one message
  bool part_consumed_ = false;                // and some of it was returned already
};

/// A message of several parts. See Reader::message().
class [[nodiscard]] Reader::Message {
 public:
  /// As Reader::message().
  explicit Message(Reader& reader) : reader_(reader) { reader_.frame(true); }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  ~Message() { reader_.frame(false); }

 private:
  Reader& reader_;
};

inline Reader::Message Reader::message() { return Message(*this); }

/// An input range of lines. It ends at EOF. See Reader::lines().
class Reader::Lines {
 public:
  /// The end of the range.
  struct End {};
  /// Has one line, which it has read. The view holds until ++ or another call on the reader.
  class Iterator {
   public:
    /// Reads the first line.
    explicit Iterator(Reader& reader) : reader_(reader), line_(reader.readline()) {}
    /// @returns the line, with its end. Not to be called at EOF.
    std::string_view operator*() const { return *line_; }
    /// Reads the next line. @throws as readline().
    Iterator& operator++() {
      line_ = reader_.readline();
      return *this;
    }
    /// Whether there was no line any more.
    bool operator==(End) const { return !line_; }

   private:
    Reader& reader_;
    std::optional<std::string_view> line_;
  };

  /// @param reader  outlives the range.
  explicit Lines(Reader& reader) : reader_(reader) {}
  /// Reads a line: call it once. @throws as readline().
  Iterator begin() const { return Iterator(reader_); }
  /// The same for every range.
  static End end() { return {}; }

 private:
  Reader& reader_;
};

inline Reader::Lines Reader::lines() { return Lines(*this); }

}  // namespace socketserver
