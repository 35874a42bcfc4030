// The numbers that bound what a fiber server takes, each with a test that knows the number.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <socketserver/base/sanitizers.hpp>
#include <socketserver/concurrency/fiber/loop_fiber.hpp>
#include <socketserver/concurrency/fiber/stack.hpp>
#include <socketserver/concurrency/offload.hpp>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/net/socket_stream.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/event.hpp"
#include "support/eventually.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::Event;
using testing_support::eventually;

namespace {

std::size_t running_threads() {
  const std::filesystem::directory_iterator all("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// In bytes. Source: proc(5), statm.
[[maybe_unused]] std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Whether the kernel can read it for this process.
bool is_readable(int pipe, const std::byte* address) {
  if (::write(pipe, address, 1) == 1) return true;
  REQUIRE(errno == EFAULT);
  return false;
}

struct Turn {
  int reads = 0;
  std::size_t bytes = 0;
};

/// What a fiber reads, so much at a time and with so much work after each, before its loop runs another that is ready.
Turn turn_of(std::size_t at_once, Duration work) {
  constexpr std::size_t kThere = 128 * 1024;
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  SocketStream reader{FileDescriptor(fds[0]), SocketAddress()};
  SocketStream writer{FileDescriptor(fds[1]), SocketAddress()};
  set_option(fds[1], SOL_SOCKET, SO_SNDBUF, 4 * kThere, "SO_SNDBUF");
  writer.sendall(std::string(kThere, 'x'));
  Turn turn;
  bool other_ran = false;
  const auto policy = make_policy({.kind = PolicyKind::fiber, .threads = 1});
  policy->submit([&] {
    const auto read = [&] {
      ++turn.reads;
      turn.bytes += reader.recv(at_once).size();
      for (const TimePoint until = steady_clock().now() + work; steady_clock().now() < until;) continue;
    };
    read();  // which may wait for the loop's first look
    turn = {};
    policy->submit([&other_ran] { other_ran = true; });
    while (!other_ran && turn.bytes + 2 * at_once <= kThere) read();
  });
  policy->join();
  return turn;
}

}  // namespace

TEST_CASE("a fiber's turn ends after 64 reads, 64 KiB or half a millisecond") {
  for (int i = 0; i < 20; ++i) CHECK(turn_of(1, 0us).reads <= 64);
  CHECK(turn_of(4096, 0us).bytes <= 65536);
  CHECK(turn_of(1, 1ms).reads <= 8);  // the clock is looked at after every fourth
}

TEST_CASE("at most 64 threads block for the fibers that offload") {
  const auto policy = make_policy({.kind = PolicyKind::fiber, .threads = 1});
  const std::size_t before = running_threads();
  std::atomic<int> inside{0};
  std::atomic<bool> over{false};
  Event all_asked;
  for (int i = 0; i < 80; ++i) {
    policy->submit([&] {
      offload([&] {
        ++inside;
        while (!over) std::this_thread::yield();
      });
    });
  }
  policy->submit([&all_asked] { all_asked.set(); });  // after all the others have given up their turn
  all_asked.wait();
  const std::size_t started = running_threads() - before;
  CHECK(started == 64);
  if (started == 64) CHECK(eventually([&inside] { return inside == 64; }));
  over = true;
  policy->join();
  CHECK(inside == 80);
}

#ifndef SOCKETSERVER_TSAN  // whose runtime has address space of its own for each fiber
TEST_CASE("the stacks of 1024 fibers that have ended are kept, those of more are given back") {
  constexpr std::size_t kStack = 65536 + (1U << 20U);  // and its guard
  detail::FiberPool pool(65536);
  const std::size_t before = address_space();
  std::vector<std::unique_ptr<detail::LoopFiber>> fibers;
  for (int i = 0; i < 1500; ++i) fibers.push_back(pool.take());
  CHECK(address_space() - before >= 1500 * kStack);
  for (auto& fiber : fibers) pool.give_back(std::move(fiber));
  fibers.clear();
  const std::size_t kept = (address_space() - before) / kStack;
  CHECK(kept >= 1024);
  CHECK(kept < 1124);  // the heap has grown, too
}
#endif

TEST_CASE("a mebibyte below each stack cannot be touched") {
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_NONBLOCK | O_CLOEXEC) == 0);
  const FileDescriptor read_end(pipe[0]);
  const FileDescriptor write_end(pipe[1]);
  // Side by side, as the kernel places them: where a guard is too small, the next stack is in reach.
  std::vector<std::unique_ptr<detail::Stack>> stacks;
  for (int i = 0; i < 8; ++i) stacks.push_back(std::make_unique<detail::Stack>(65536));
  const auto page = ::sysconf(_SC_PAGESIZE);
  for (const auto& stack : stacks) {
    CHECK(is_readable(write_end.get(), stack->bottom()));
    int in_reach = 0;
    for (long below = page; below <= 1 << 20; below += page)
      in_reach += is_readable(write_end.get(), stack->bottom() - below);
    CHECK(in_reach == 0);
    CHECK(stack->is_below(stack->bottom() - (1 << 20)));
  }
}
