#include <unistd.h>

#include <fstream>
#include <memory>
#include <socketserver/base/sanitizers.hpp>
#include <socketserver/concurrency/fiber/loop_fiber.hpp>
#include <vector>

#include "support/catch.hpp"

using namespace socketserver;

namespace {

/// In bytes. Source: proc(5), statm.
[[maybe_unused]] std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

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
