#include <socketserver/io/detail/block.hpp>

#include <socketserver/base/sanitizers.hpp>

namespace socketserver::detail {
namespace {

/// A thread's cache: the blocks destroyed last, all of one size.
struct Spare {
  static constexpr std::size_t kMost = 8;
  static constexpr std::size_t kLargest = 65536;

  char* blocks[kMost];
  std::size_t count;
  std::size_t size;
};

constinit thread_local Spare spare{};

/// Frees them at the thread's end. A separate object, since a thread_local with a destructor is checked on every use.
struct SpareOwner {
  SpareOwner() = default;
  SpareOwner(const SpareOwner&) = delete;
  SpareOwner& operator=(const SpareOwner&) = delete;
  ~SpareOwner() {
    free_all();
    spare.size = 0;
  }
  void free_all() {
    while (spare.count > 0) delete[] spare.blocks[--spare.count];
  }
};
thread_local SpareOwner spare_owner;

}  // namespace

Block::Block(std::size_t bytes) : size_(bytes) {
  const bool kept = spare.count > 0 && spare.size == bytes;
  data_ = kept ? spare.blocks[--spare.count] : new char[bytes];
}

void Block::give_up() noexcept {
#if defined(SOCKETSERVER_ASAN)
  return delete[] data_;  // so that a dangling view is found
#endif
  if (size_ > Spare::kLargest) return delete[] data_;
  if (spare.size != size_) {
    spare_owner.free_all();
    spare.size = size_;
  }
  if (spare.count == Spare::kMost) return delete[] data_;
  spare.blocks[spare.count++] = data_;
}

}  // namespace socketserver::detail
