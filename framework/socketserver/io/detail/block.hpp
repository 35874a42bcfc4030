#pragma once
// Memory for buffers that exist only while they are not empty.

#include <cstddef>
#include <socketserver/base/visibility.hpp>
#include <utility>

namespace socketserver::detail {

/// A piece of memory, not zeroed. The thread caches the memory of a destroyed block for the next one of its size. So
/// thousands of waiting connections hold none, and active ones share a few blocks that are warm in the CPU's cache.
class SOCKETSERVER_PUBLIC Block {
 public:
  Block() = default;
  explicit Block(std::size_t bytes);
  Block(Block&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Block& operator=(Block&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Block() {
    if (data_ != nullptr) give_up();
  }

  char* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  void give_up() noexcept;

  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace socketserver::detail
