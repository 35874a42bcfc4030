// operator new that fails between two signals: for servers that run out of memory, at every place in turn.

#include "failing_new.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string_view>

namespace {

std::atomic<bool> short_of_memory{false};
std::atomic<unsigned> one_in{0};

}  // namespace

void fail_on_signal(unsigned rate) {
  one_in = rate;
  std::signal(SIGUSR2, [](int) {
    const std::string_view said = short_of_memory ? "memory is there\n" : "memory is short\n";
    short_of_memory = !short_of_memory;
    (void)!::write(STDERR_FILENO, said.data(), said.size());
  });
}

#ifndef OPERATOR_NEW_IS_TAKEN  // by ThreadSanitizer's runtime, which cannot be without it
namespace {

std::atomic<unsigned> calls{0};

/// Whether this call fails: one in N, at irregular distances.
bool fails() noexcept {
  if (!short_of_memory) return false;
  unsigned dice = ++calls * 2654435761U;  // a multiplicative hash
  dice ^= dice >> 16U;
  return dice % one_in == 0;
}

void* allocate(std::size_t size) noexcept { return fails() ? nullptr : std::malloc(size == 0 ? 1 : size); }

void* allocate_or_throw(std::size_t size) {
  void* const memory = allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate_or_throw(size); }
void* operator new[](std::size_t size) { return allocate_or_throw(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
#endif
