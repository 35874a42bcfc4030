#include <malloc.h>

#include <cstddef>
#include <socketserver/base/sanitizers.hpp>
#include <socketserver/io/detail/block.hpp>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace socketserver;

TEST_CASE("a block that was moved from has no memory") {
  detail::Block from(100);
  char* const memory = from.data();
  detail::Block to(std::move(from));
  CHECK(from.data() == nullptr);  // NOLINT(bugprone-use-after-move)
  CHECK(from.size() == 0);
  CHECK(to.data() == memory);
  CHECK(to.size() == 100);
}

#if !defined(SOCKETSERVER_ASAN) && !defined(SOCKETSERVER_TSAN)  // where the allocator does not count
namespace {

/// Bytes that the program has allocated. Source: mallinfo(3).
std::size_t allocated() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// @returns how many of these blocks the thread keeps when they are all given up.
std::size_t kept(std::size_t blocks, std::size_t size) {
  std::vector<detail::Block> held;
  held.reserve(blocks);
  const std::size_t before = allocated();
  for (std::size_t i = 0; i < blocks; ++i) held.emplace_back(size);
  held.clear();
  return (allocated() - before + size / 2) / size;
}

}  // namespace

TEST_CASE("a thread keeps the memory of eight blocks of one size, and of none above 64 KiB") {
  { const detail::Block other(1); }  // frees what was kept before
  CHECK(kept(20, 65536) == 8);
  const std::size_t before = allocated();
  const detail::Block block(65536);
  CHECK(allocated() == before);  // one of the eight
  CHECK(kept(20, 65537) == 0);
}

TEST_CASE("a block of another size frees those that the thread keeps") {
  { const detail::Block other(1); }
  const std::size_t before = allocated();
  REQUIRE(kept(8, 4096) == 8);
  { const detail::Block other(1); }
  CHECK(allocated() < before + 4096);
}
#endif
