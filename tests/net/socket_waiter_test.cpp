// The operations of one socket, each on a thread and on a fiber.

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/net/detail/socket_waiter.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <string>

#include "support/catch.hpp"
#include "support/eventually.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using detail::SocketWaiter;
using detail::WaitMark;
using testing_support::eventually;

namespace {

struct Pair {
  Pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    here.reset(fds[0]);
    peer.reset(fds[1]);
  }
  ~Pair() { waiter.release(); }
  void peer_sends(std::string_view text) const { REQUIRE(::send(peer.get(), text.data(), text.size(), 0) > 0); }

  FileDescriptor here, peer;
  SocketWaiter waiter;
};

/// Runs the check on this thread, and on a fiber of a loop.
void on_both(const std::function<void()>& check) {
  check();
  const auto loop = make_policy({.kind = PolicyKind::fiber, .threads = 1});
  loop->run_accept_loop([&check] { check(); });
}

std::string text_of(const IoResult& result, const std::array<std::byte, 8>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), result.bytes};
}

constexpr unsigned kMark = 1;
constexpr unsigned kForbidden = 2;

}  // namespace

TEST_CASE("a receive takes what is there, also past its deadline, and is overdue where there is nothing") {
  on_both([] {
    Pair pair;
    std::array<std::byte, 8> bytes{};
    const auto receive = [&](Deadline until) { return pair.waiter.receive(pair.here.get(), bytes, until); };
    CHECK(receive(Deadline::at_once()).error == std::errc::timed_out);
    CHECK(receive(Deadline::after(1ms)).error == std::errc::timed_out);
    pair.peer_sends("abc");
    CHECK(text_of(receive(Deadline::at_once()), bytes) == "abc");
    pair.peer_sends("defghijklm");
    CHECK(text_of(receive(Deadline::after(10s)), bytes) == "defghijk");
    CHECK(text_of(receive(Deadline::after(10s)), bytes) == "lm");
    pair.peer.reset();
    const IoResult end = receive(Deadline::never());
    CHECK(end.bytes == 0);
    CHECK_FALSE(end.error);
  });
}

TEST_CASE("a wait for input ends with bytes, with the peer's end and at its deadline, and takes nothing") {
  on_both([] {
    Pair pair;
    std::array<std::byte, 8> bytes{};
    const auto wait = [&](Deadline until) { return pair.waiter.wait_readable(pair.here.get(), until); };
    CHECK(wait(Deadline::at_once()) == std::errc::timed_out);
    CHECK(wait(Deadline::after(1ms)) == std::errc::timed_out);
    pair.peer_sends("abc");
    CHECK_FALSE(wait(Deadline::never()));
    CHECK_FALSE(wait(Deadline::at_once()));
    CHECK(text_of(pair.waiter.receive(pair.here.get(), bytes, Deadline::at_once()), bytes) == "abc");
    CHECK(wait(Deadline::after(1ms)) == std::errc::timed_out);
    pair.peer.reset();
    CHECK_FALSE(wait(Deadline::never()));
  });
}

TEST_CASE("a wait that its mark forbids does not begin") {
  on_both([] {
    Pair pair;
    std::array<std::byte, 8> bytes{};
    std::atomic<unsigned> state{kForbidden};
    const WaitMark mark(state, kMark, kForbidden);
    CHECK(pair.waiter.receive(pair.here.get(), bytes, Deadline::never(), &mark).error == std::errc::operation_canceled);
    CHECK(pair.waiter.wait_readable(pair.here.get(), Deadline::never(), &mark) == std::errc::operation_canceled);
    CHECK(state == kForbidden);
  });
}

TEST_CASE("a wait is marked for as long as it lasts") {
  on_both([] {
    Pair pair;
    std::array<std::byte, 8> bytes{};
    std::atomic<unsigned> state{0};
    const WaitMark mark(state, kMark, kForbidden);
    auto marked = std::async(std::launch::async, [&] {
      const bool seen = eventually([&state] { return state == kMark; });
      (void)::send(pair.peer.get(), "abc", 3, 0);
      return seen;
    });
    CHECK(text_of(pair.waiter.receive(pair.here.get(), bytes, Deadline::after(20s), &mark), bytes) == "abc");
    CHECK(marked.get());
    CHECK(state == 0);
  });
}

TEST_CASE("bytes that a fiber knows of are taken without a mark") {
  const auto loop = make_policy({.kind = PolicyKind::fiber, .threads = 1});
  loop->run_accept_loop([] {
    Pair pair;
    std::array<std::byte, 8> bytes{};
    std::atomic<unsigned> state{kForbidden};
    const WaitMark mark(state, kMark, kForbidden);
    pair.peer_sends("abcdefghij");
    CHECK_FALSE(pair.waiter.wait_readable(pair.here.get(), Deadline::after(10s)));
    CHECK(text_of(pair.waiter.receive(pair.here.get(), bytes, Deadline::never(), &mark), bytes) == "abcdefgh");
  });
}

TEST_CASE("a send past its deadline sends what there is room for, and is overdue where there is none") {
  on_both([] {
    Pair pair;
    const std::array<std::byte, 8> bytes{};
    const auto send = [&](Deadline until) { return pair.waiter.send(pair.here.get(), bytes, until); };
    IoResult sent = send(Deadline::at_once());
    CHECK(sent.bytes == bytes.size());
    while (!sent.error) sent = send(Deadline::at_once());
    CHECK(sent.error == std::errc::timed_out);
    CHECK(send(Deadline::after(1ms)).error == std::errc::timed_out);
    pair.peer.reset();
    CHECK(send(Deadline::never()).error == std::errc::broken_pipe);
  });
}

TEST_CASE("an arrival is seen although this side has shut reading down") {
  on_both([] {
    Pair pair;
    REQUIRE(::shutdown(pair.here.get(), SHUT_RD) == 0);
    for (int i = 0; i < 2; ++i)
      (void)pair.waiter.wait_arrival(pair.here.get(), Deadline::after(1ms));  // what was before
    const auto peer = std::async(std::launch::async, [&pair] { pair.peer.reset(); });
    CHECK_FALSE(pair.waiter.wait_arrival(pair.here.get(), Deadline::never()));
  });
}
