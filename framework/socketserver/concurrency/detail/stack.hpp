#pragma once
// The memory of a fiber's stack.
//
//   | guard: no access | free ... <- in use |
//   begin()            end of guard         top()

#include <cstddef>

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

  std::byte* top() const noexcept { return begin_ + kGuardBytes + usable_bytes_; }
  std::byte* bottom() const noexcept { return begin_ + kGuardBytes; }
  std::size_t usable_bytes() const noexcept { return usable_bytes_; }
  bool guards(const void* address) const noexcept { return address >= begin_ && address < bottom(); }

 private:
  // Wide enough for a frame with a large array to be caught, not only for one step below the end.
  static constexpr std::size_t kGuardBytes = 65536;

  std::size_t usable_bytes_;
  std::byte* begin_;
};

}  // namespace socketserver::detail
