#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <socketserver/concurrency/fiber/stack.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <vector>

#include "support/catch.hpp"

using namespace socketserver;

namespace {

/// Whether the kernel can read it for this process.
bool is_readable(int pipe, const std::byte* address) {
  if (::write(pipe, address, 1) == 1) return true;
  REQUIRE(errno == EFAULT);
  return false;
}

}  // namespace

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
