#include <socketserver/net/unix_socket_file.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/last_error.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <socketserver/wait/sync.hpp>
#include <string>
#include <utility>

namespace socketserver::detail {
namespace {

constexpr Duration kMaxLock = std::chrono::seconds(5);  // another starter holds it for a few system calls
constexpr Duration kLockAgain = std::chrono::milliseconds(5);

const char* path_of(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_un*>(address.data())->sun_path;
}

std::string where(const SocketAddress& address) { return concat("cannot listen on ", address.to_string()); }

[[noreturn]] void throw_in_use(const SocketAddress& address, const char* why) {
  throw std::system_error(std::make_error_code(std::errc::address_in_use), concat(where(address), ": ", why));
}

/// @returns the locked directory of the socket's file; the lock ends with the descriptor.
FileDescriptor lock_directory(const SocketAddress& address) {
  const std::string path = path_of(address);
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  FileDescriptor lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock) throw_last_error(where(address));
  const Deadline deadline = Deadline::after(kMaxLock);
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) throw_last_error(where(address));
    if (deadline.expired()) throw_in_use(address, "its directory stays locked by another process");
    sleep_for(kLockAgain);
  }
  return lock;
}

bool bind(int fd, const SocketAddress& address) {
  if (::bind(fd, address.data(), address.size()) == 0) return true;
  if (errno != EADDRINUSE) throw_last_error(where(address));
  return false;
}

/// @returns why the file may not be replaced, null if no server listens on it.
const char* obstacle(const SocketAddress& address) {
  struct stat file {};
  if (::lstat(path_of(address), &file) != 0) return errno == ENOENT ? nullptr : "the file cannot be looked at";
  if (!S_ISSOCK(file.st_mode)) return "the file is no socket";
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) throw_last_error(where(address));
  if (::connect(probe.get(), address.data(), address.size()) == 0 || errno == EAGAIN) return "a server listens there";
  return errno == ECONNREFUSED ? nullptr : "whether a server listens there cannot be found out";
}

void replace_stale(int fd, const SocketAddress& address) {
  if (const char* why = obstacle(address)) throw_in_use(address, why);
  if (::unlink(path_of(address)) != 0 && errno != ENOENT) throw_last_error(where(address));
  if (!bind(fd, address)) throw_in_use(address, "the name was taken meanwhile");
}

}  // namespace

UnixSocketFile::UnixSocketFile(UnixSocketFile&& other) noexcept
    : address_(other.address_), device_(other.device_), inode_(std::exchange(other.inode_, 0)) {}

UnixSocketFile& UnixSocketFile::operator=(UnixSocketFile&& other) noexcept {
  if (this == &other) return *this;
  remove();
  address_ = other.address_;
  device_ = other.device_;
  inode_ = std::exchange(other.inode_, 0);
  return *this;
}

void UnixSocketFile::listen(int fd, const SocketAddress& address, std::optional<mode_t> mode, int backlog) {
  const bool abstract = address.unix_path().starts_with('@');
  const FileDescriptor lock = abstract ? FileDescriptor() : lock_directory(address);
  // The file gets the socket's mode, less the umask; the rest is added below. Source: unix_bind() in Linux.
  if (mode && ::fchmod(fd, *mode) != 0) throw_last_error(where(address));
  if (!bind(fd, address)) {
    if (abstract) throw_in_use(address, "a server listens there");
    replace_stale(fd, address);
  }
  if (!abstract) {
    struct stat file {};
    if (::lstat(path_of(address), &file) != 0) throw_last_error(where(address));
    address_ = address;
    device_ = file.st_dev;
    inode_ = file.st_ino;
    if (mode && ::chmod(path_of(address), *mode) != 0) throw_last_error(where(address));
  }
  if (::listen(fd, backlog) != 0) throw_last_error(where(address));
}

void UnixSocketFile::remove() noexcept {
  if (inode_ == 0) return;
  struct stat file {};
  const bool own = ::lstat(path_of(address_), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_;
  if (own) (void)::unlink(path_of(address_));
  inode_ = 0;
}

}  // namespace socketserver::detail
