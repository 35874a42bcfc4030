#pragma once
// Memory for buffers that exist only while there is something in them.

#include <cstddef>
#include <socketserver/base/visibility.hpp>
#include <utility>

namespace socketserver::detail {

/// A piece of memory, not zeroed. Of one that is given up the thread keeps the memory for the next of its size: so
/// thousands of connections that wait need none, and those that are served share a few that are warm in the cache.
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
