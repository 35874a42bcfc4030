#include "server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace bench {
namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

void answer_line(char* from, char* to) noexcept {
  for (; from != to; ++from) *from = static_cast<char>(*from >= 'a' && *from <= 'z' ? *from - 'a' + 'A' : *from);
}

}  // namespace

std::size_t buffer_size(int argc, char** argv) {
  return argc > 1 ? static_cast<std::size_t>(std::strtoul(argv[1], nullptr, 10)) : 4096;
}

int listen_on_loopback() {
  const int listener = checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
  checked(listen(listener, kBacklog), "listen");
  return listener;
}

void announce(int listener) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  checked(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
}

void set_nodelay(int descriptor) noexcept {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::size_t answer_lines(char* data, std::size_t size, std::size_t searched) noexcept {
  char* line = data;
  char* const stop = data + size;
  for (char* from = data + searched; from != stop;) {
    auto* end = static_cast<char*>(std::memchr(from, '\n', static_cast<std::size_t>(stop - from)));
    if (end == nullptr) break;
    answer_line(line, end);
    from = line = end + 1;
  }
  return static_cast<std::size_t>(line - data);
}

}  // namespace bench
