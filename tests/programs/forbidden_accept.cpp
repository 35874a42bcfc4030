// Preloaded: an accept4 that a security module forbids. The connection stays in the queue, so the error is there again.
#include <sys/socket.h>

#include <cerrno>

extern "C" int accept4(int, sockaddr*, socklen_t*, int) {
  errno = EPERM;
  return -1;
}
