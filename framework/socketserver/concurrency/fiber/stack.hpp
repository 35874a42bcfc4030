#pragma once
// The memory of a fiber's stack.
//
//   | guard: no access | free ... <- in use |
//   begin()            end of guard         top()

#include <cstddef>
#include <cstdint>

namespace socketserver::detail {

/// Address space with a guard at its lower end; memory is used only for the pages that were touched.
class Stack {
 public:
  /// @param usable_bytes  rounded up to whole pages.
  /// @throws std::system_error  no address space, or no more mappings (vm.max_map_count).
  explicit Stack(std::size_t usable_bytes);
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack();

  /// Whether each guard is a mapping of its own, as before Linux 6.13, so that vm.max_map_count bounds the stacks.
  static bool guard_takes_mapping() noexcept;

  std::byte* top() const noexcept { return begin_ + kGuardBytes + usable_bytes_; }
  std::byte* bottom() const noexcept { return begin_ + kGuardBytes; }
  std::size_t usable_bytes() const noexcept { return usable_bytes_; }
  /// Whether the address lies below the stack, in its guard or little further: within reach of a large frame.
  bool is_below(const void* address) const noexcept {
    const auto distance = reinterpret_cast<std::uintptr_t>(bottom()) - reinterpret_cast<std::uintptr_t>(address);
    return distance > 0 && distance <= kNear;
  }

 private:
  // Wide enough for the frames of code that was compiled without -fstack-clash-protection, which steps over pages: else
  // a large local array lies in the stack below, which is another connection's.
  static constexpr std::size_t kGuardBytes = 1U << 20U;
  static constexpr std::size_t kNear = 8U << 20U;

  std::size_t usable_bytes_;
  std::byte* begin_;
};

}  // namespace socketserver::detail
