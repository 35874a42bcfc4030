#include <future>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/io/partial_send.hpp>
#include <socketserver/io/stream.hpp>
#include <thread>

#include "support/catch.hpp"

using namespace socketserver;
using namespace std::chrono_literals;

namespace {

/// Accepts `room` bytes, at most two at a time, then times out.
class ShortWrites final : public Stream {
 public:
  explicit ShortWrites(std::size_t room) : room_(room) {}
  void shutdown(ShutdownHow) noexcept override {}
  void close() noexcept override {}
  void drain() noexcept override {}
  void abort() noexcept override { aborted = true; }
  IoResult read_some(std::span<std::byte>, Deadline, Wait) override { return {}; }
  IoResult write_some(std::span<const std::byte> bytes, Deadline) override {
    ++calls;
    if (taken.size() == room_) return {0, std::make_error_code(std::errc::timed_out), IoOperation::send};
    const std::size_t n = std::min({bytes.size(), std::size_t{2}, room_ - taken.size()});
    taken.append(reinterpret_cast<const char*>(bytes.data()), n);
    return {n, {}, IoOperation::send};
  }

  std::string taken;
  int calls = 0;
  bool aborted = false;

 private:
  std::size_t room_;
};

/// A layer that takes all bytes at once, and passes them on only where it may wait.
class Holding final : public Stream {
 public:
  void shutdown(ShutdownHow) noexcept override {}
  void close() noexcept override {}
  void drain() noexcept override {}
  void abort() noexcept override { aborted = true; }
  IoResult read_some(std::span<std::byte>, Deadline, Wait) override { return {}; }
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override {
    held.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (deadline == Deadline::at_once()) {
      return {bytes.size(), std::make_error_code(std::errc::timed_out), IoOperation::send};
    }
    passed += std::exchange(held, {});
    return {bytes.size(), {}, IoOperation::send};
  }

  std::string held;
  std::string passed;
  bool aborted = false;
};

}  // namespace

TEST_CASE("sendall returns when a layer has passed on what it took") {
  Holding stream;
  stream.sendall("abc");
  CHECK(stream.passed == "abc");
  CHECK(stream.held.empty());
}

TEST_CASE("a message that a layer holds whole is finished before the next one") {
  Holding stream;
  detail::PartialSend message(stream);
  CHECK(message.begin(std::as_bytes(std::span("abc", 3))).error == std::errc::timed_out);
  CHECK(detail::PartialSend(stream).begin(std::as_bytes(std::span("def", 3))).bytes == 0);
  CHECK_FALSE(message.finish({}).error);
  CHECK(stream.passed == "abc");
}

TEST_CASE("sendall continues after short writes") {
  ShortWrites stream(100);
  stream.sendall("abcdefg");
  CHECK(stream.taken == "abcdefg");
}

TEST_CASE("a sendall that fails says how much went, and ends the connection") {
  ShortWrites stream(5);
  try {
    stream.sendall("abcdefg");
    FAIL("no exception");
  } catch (const TimeoutError& error) {
    CHECK(error.bytes_transferred() == 5);
  }
  CHECK(stream.aborted);
  const int calls = stream.calls;
  CHECK_THROWS_AS(stream.sendall("more"), TimeoutError);
  CHECK(stream.calls == calls);  // a later message does not go out behind half of one
}

TEST_CASE("recv gives EOF as an empty result") {
  MemoryStream stream("abc");
  CHECK(stream.recv(2) == "ab");
  CHECK(stream.recv(2) == "c");
  CHECK(stream.recv(2).empty());
}

TEST_CASE("recv asks for no more memory than a block, even with a larger limit") {
  MemoryStream stream("abc");
  CHECK(stream.recv(std::size_t{1} << 62U) == "abc");
}

TEST_CASE("settimeout sets every clock; the twins of the calls do not throw") {
  MemoryStream stream({PeerStep::pause_past_deadline()});
  stream.settimeout(3s);
  std::array<std::byte, 4> into{};
  const IoResult result = stream.try_recv(into);
  CHECK(result.error == std::errc::timed_out);
  CHECK(stream.clock().now() == TimePoint{} + 3s);
  CHECK(stream.timeouts().read == Duration(3s));
  CHECK(stream.timeouts().write == Duration(3s));
}

TEST_CASE("messages of several senders arrive whole") {
  auto [left, right] = MemoryStream::pair();
  auto send = [&stream = *left](char c) {
    for (int i = 0; i < 200; ++i) stream.sendall(std::string(64, c) + "\n");
  };
  auto first = std::async(std::launch::async, send, 'a');
  auto second = std::async(std::launch::async, send, 'b');
  first.get();
  second.get();
  left->close();
  std::string all;
  for (std::string part = right->recv(65536); !part.empty(); part = right->recv(65536)) all += part;
  int lines = 0;
  for (std::size_t at = 0; at < all.size(); at += 65, ++lines) {
    CHECK(all.substr(at, 65) == std::string(64, all[at]) + "\n");
  }
  CHECK(lines == 400);
}

TEST_CASE("an observer sees what each read and each sendall moved") {
  struct Record final : StreamObserver {
    explicit Record(std::string& into) : text(into) {}
    void received(std::span<const std::byte> bytes) noexcept override { note('<', bytes); }
    void sent(std::span<const std::byte> bytes) noexcept override { note('>', bytes); }
    void note(char mark, std::span<const std::byte> bytes) {
      text += mark;
      text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    std::string& text;
  };
  std::string seen;
  MemoryStream stream({"question", PeerStep::eof()});
  stream.observe(std::make_unique<Record>(seen));
  (void)stream.recv(5);
  stream.sendall("answer");
  stream.sendall("");
  (void)stream.recv(5);
  (void)stream.recv(5);  // EOF: nothing moved
  CHECK(seen == "<quest>answer<ion");
  stream.observe(nullptr);
  stream.sendall("more");
  CHECK(seen == "<quest>answer<ion");
}
