#pragma once
// The file that a Unix socket is bound to: taking over one that a dead server has left, and removing one's own.

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <socketserver/net/address.hpp>

namespace socketserver::detail {

/// One listening socket's name. An abstract name has no file. Threads: one at a time.
class UnixSocketFile {
 public:
  UnixSocketFile() = default;
  UnixSocketFile(const UnixSocketFile&) = delete;
  UnixSocketFile& operator=(const UnixSocketFile&) = delete;
  UnixSocketFile(UnixSocketFile&& other) noexcept;
  UnixSocketFile& operator=(UnixSocketFile&& other) noexcept;
  ~UnixSocketFile() { remove(); }

  /// Binds the socket and listens. The file has its mode before the socket listens, so no client connects under a wider
  /// one. A socket's file on which no server listens is replaced, and any other is left alone; the directory is locked
  /// meanwhile, so that of two servers that start at once one gets the name.
  /// @param mode  of the file; nullopt is what the umask leaves.
  /// @throws std::system_error  address_in_use: a server listens there, or the file is no socket, as what() says.
  void listen(int fd, const SocketAddress& address, std::optional<mode_t> mode, int backlog);
  /// Removes the file if it is still the one that listen() made. While the socket listens, so that no other server has
  /// taken the name over.
  void remove() noexcept;

 private:
  SocketAddress address_{};
  dev_t device_ = 0;
  ino_t inode_ = 0;  // 0: there is no file to remove
};

}  // namespace socketserver::detail
