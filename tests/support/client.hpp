#pragma once
// A plain blocking TCP client, independent of the streams under test. Every wait is bounded by ten seconds.

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <socketserver/net/address.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <socketserver/net/socket_options.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace testing_support {

class Client {
 public:
  /// @param receive_buffer  bytes of SO_RCVBUF; 0 is the system's. @param from  this side's IPv4 address; null is any.
  explicit Client(const socketserver::SocketAddress& server, int receive_buffer = 0, const char* from = nullptr)
      : fd_(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) socketserver::set_option(fd_.get(), SOL_SOCKET, SO_RCVBUF, receive_buffer, "SO_RCVBUF");
    const timeval bound{.tv_sec = 10, .tv_usec = 0};
    check(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound), "SO_RCVTIMEO");
    check(::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound), "SO_SNDTIMEO");
    if (from != nullptr) {
      const socketserver::SocketAddress own = socketserver::resolve_listen(from, 0).at(0);
      check(::bind(fd_.get(), own.data(), own.size()), "bind");
    }
    check(::connect(fd_.get(), server.data(), server.size()), "connect");
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      check(sent, "send");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// @returns what comes next, at most `most` bytes; empty at EOF.
  std::string recv(std::size_t most = 65536) { return receive(most, 0); }

  std::string recv_line() {
    std::string line;
    while (!line.ends_with('\n')) {
      // What follows the line stays where it is.
      const std::string next = receive(65536, MSG_PEEK);
      if (next.empty()) break;
      line += receive(std::min(next.find('\n'), next.size() - 1) + 1, 0);
    }
    return line;
  }

  std::string recv_all() {
    std::string all;
    for (std::string part = recv(); !part.empty(); part = recv()) all += part;
    return all;
  }

  std::string ask(std::string_view line) {
    send(line);
    return recv_line();
  }

  /// Waits for what comes next. @returns whether it is the end of the connection, by EOF or by a reset.
  bool ends() {
    try {
      return recv().empty();
    } catch (const std::system_error& error) {
      return error.code() == std::errc::connection_reset;
    }
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }
  void close() { fd_.reset(); }
  int native_handle() const { return fd_.get(); }

 private:
  std::string receive(std::size_t most, int flags) {
    std::string bytes(most, '\0');
    ssize_t got = 0;
    do got = ::recv(fd_.get(), bytes.data(), bytes.size(), flags);
    while (got < 0 && errno == EINTR);
    check(got, "recv");
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }
  static void check(ssize_t result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  }
  socketserver::FileDescriptor fd_;
};

/// Whether a connection is refused, as after a stop.
inline bool refuses(const socketserver::SocketAddress& server) {
  try {
    const Client client(server);
    return false;
  } catch (const std::system_error& error) {
    return error.code() == std::errc::connection_refused;
  }
}

/// Whether an upper-case server serves there.
inline bool answers(const socketserver::SocketAddress& server) {
  try {
    return Client(server).ask("ready?\n") == "READY?\n";
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace testing_support
