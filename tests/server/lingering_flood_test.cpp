// A peer that sends faster than the server can drop, which no real one does on every machine: recv(2) plays it.

#include <dlfcn.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <socketserver/base/sanitizers.hpp>
#include <socketserver/net/listener_set.hpp>
#include <socketserver/server/housekeeper.hpp>

#include "support/catch.hpp"
#include "support/client.hpp"

#if !defined(SOCKETSERVER_TSAN)  // which has to see each recv(2) itself

using namespace socketserver;
using namespace std::chrono_literals;
using detail::ListenerSet;
using testing_support::Client;

namespace {

std::atomic<int> flooded{-1};  // the descriptor
std::atomic<int> dropped{0};   // reads of it

}  // namespace

/// In the place of the C library's: the flooded descriptor always has more, for a thousand reads.
extern "C" ssize_t recv(int fd, void* into, size_t bytes, int flags) {
  if (fd == flooded && ++dropped <= 1000) return static_cast<ssize_t>(bytes);
  static const auto system = reinterpret_cast<decltype(&recv)>(::dlsym(RTLD_NEXT, "recv"));
  return system(fd, into, bytes, flags);
}

TEST_CASE("input of a lingering socket is dropped in parts, between which the other sockets have their turn") {
  ListenerSet acceptor({.host = "127.0.0.1", .port = 0}, {});
  Client client(acceptor.address());
  client.send("x");  // stays there, so that the socket is readable
  REQUIRE(acceptor.wait(true, Deadline::after(10s)) == ListenerSet::Event::connection);
  FileDescriptor socket = acceptor.accept().socket;
  flooded = socket.get();
  std::promise<int> by_then;
  {
    detail::Housekeeper housekeeper(10);
    housekeeper.linger(std::move(socket), 24h, false);
    housekeeper.set_alarm(Deadline::after(0ms), [&by_then] { by_then.set_value(dropped); });
    const int count = by_then.get_future().get();
    CHECK(count >= 1);
    CHECK(count <= 200);
    flooded = -1;
  }
}

#endif
