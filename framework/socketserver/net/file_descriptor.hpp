#pragma once
// Ownership of a file descriptor.

#include <unistd.h>

#include <socketserver/base/visibility.hpp>
#include <utility>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Closes what it holds. Moves, does not copy.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  /// Takes the descriptor over; -1 is none.
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  /// Leaves the other empty.
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  /// Closes what it held, and leaves the other empty.
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~FileDescriptor() { reset(); }

  /// @returns the descriptor, which stays owned; -1 if empty.
  int get() const noexcept { return fd_; }
  /// Whether it holds one.
  explicit operator bool() const noexcept { return fd_ >= 0; }
  /// @returns the descriptor, which is the caller's to close from now on; -1 if empty.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes what it holds and takes this one over. What close(2) says is not reported.
  void reset(int fd = -1) noexcept {
    if (const int old = std::exchange(fd_, fd); old >= 0) ::close(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace socketserver
