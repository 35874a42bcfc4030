#include <socketserver/concurrency/fiber/stack.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <socketserver/base/last_error.hpp>
#include <stdexcept>
#include <system_error>

namespace socketserver::detail {
namespace {

constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL, Linux 6.13; it needs no mapping of its own

std::size_t round_up_to_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

/// @returns false if this kernel cannot.
bool install_guard(void* memory, std::size_t bytes) noexcept { return ::madvise(memory, bytes, kGuardInstall) == 0; }

}  // namespace

bool Stack::guard_takes_mapping() noexcept {
  void* memory = ::mmap(nullptr, kGuardBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return true;
  const bool installed = install_guard(memory, kGuardBytes);
  ::munmap(memory, kGuardBytes);
  return !installed;
}

Stack::Stack(std::size_t usable_bytes) : usable_bytes_(round_up_to_pages(usable_bytes)) {
  if (usable_bytes_ < usable_bytes || usable_bytes_ == 0) throw std::invalid_argument("a fiber's stack of no size");
  void* memory = ::mmap(nullptr, kGuardBytes + usable_bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) throw_last_error("a fiber's stack");
  begin_ = static_cast<std::byte*>(memory);
  (void)::madvise(begin_, kGuardBytes + usable_bytes_, MADV_NOHUGEPAGE);  // a huge page for two pages in use
  if (install_guard(begin_, kGuardBytes)) return;
  if (::mprotect(begin_, kGuardBytes, PROT_NONE) == 0) return;
  const int error = errno;
  ::munmap(begin_, kGuardBytes + usable_bytes_);
  throw std::system_error(error, std::generic_category(),
                          "a fiber stack's guard (vm.max_map_count bounds their number)");
}

Stack::~Stack() { ::munmap(begin_, kGuardBytes + usable_bytes_); }

}  // namespace socketserver::detail
