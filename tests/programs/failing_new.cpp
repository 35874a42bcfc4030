// operator new that fails while it is told to: for servers that are to be short of memory, at every place in turn.

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
std::atomic<unsigned> calls{0};

/// Whether this call fails: one in so many, at no regular distance.
bool fails() noexcept {
  if (!short_of_memory) return false;
  unsigned dice = ++calls * 2654435761U;  // a multiplicative hash
  dice ^= dice >> 16U;
  return dice % one_in == 0;
}

void* allocate(std::size_t size) {
  void* const memory = fails() ? nullptr : std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void fail_on_signal(unsigned rate) {
  one_in = rate;
  std::signal(SIGUSR2, [](int) {
    const std::string_view said = short_of_memory ? "memory is there\n" : "memory is short\n";
    short_of_memory = !short_of_memory;
    (void)!::write(STDERR_FILENO, said.data(), said.size());
  });
}

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
