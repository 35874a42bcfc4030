// The measure of the others: one thread, epoll edge-triggered, one recv and one send for each batch of input.
// Connections read into one buffer, which so stays in the cache; only a line in parts gets one of its own.
// Usage: epoll_server [buffer bytes]

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "server.hpp"

namespace {

constexpr std::size_t kSharedBytes = 65536;

struct Connection {
  int descriptor;
  bool peer_ended = false;     // EPOLLRDHUP was seen: read to the end, also after a short read
  std::size_t kept = 0;        // bytes in own, a line whose end has not come yet
  std::vector<char> own = {};  // empty until a line comes in parts
  std::string unsent = {};     // what the kernel did not take; until it does, nothing more is read
};

class Loop {
 public:
  explicit Loop(std::size_t longest_line) : longest_(longest_line), listener_(bench::listen_on_loopback()) {
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
    bench::announce(listener_);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 1024> events{};
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) dispatch(events[static_cast<std::size_t>(i)]);
    }
  }

 private:
  void dispatch(const epoll_event& event) {
    if (event.data.ptr == nullptr) return accept_all();
    auto& connection = *static_cast<Connection*>(event.data.ptr);
    if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) connection.peer_ended = true;
    if (!flush(connection) || !serve(connection)) close_connection(connection);
  }

  void accept_all() {
    for (int descriptor; (descriptor = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      bench::set_nodelay(descriptor);
      auto connection = std::make_unique<Connection>(Connection{.descriptor = descriptor});
      epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = connection.get()}};
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0) {
        static_cast<void>(connection.release());  // its registration owns it, until close_connection
      } else {
        close(descriptor);
      }
    }
  }

  /// Reads and answers until the kernel has no more input or takes no more output. @returns whether to continue later.
  bool serve(Connection& connection) {
    while (connection.unsent.empty()) {
      const std::span<char> buffer = connection.kept == 0 ? std::span(shared_) : std::span(connection.own);
      const std::span<char> room = buffer.subspan(connection.kept);
      const ssize_t got = recv(connection.descriptor, room.data(), room.size(), 0);
      if (got <= 0) return got < 0 && errno == EAGAIN;
      if (!answer(connection, buffer.first(connection.kept + static_cast<std::size_t>(got)))) return false;
      const bool drained = static_cast<std::size_t>(got) < room.size();  // epoll(7): a short read has emptied it
      if (drained && !connection.peer_ended) return true;
    }
    return true;
  }

  bool answer(Connection& connection, std::span<char> input) {
    const std::size_t answered = bench::answer_lines(input.data(), input.size(), connection.kept);
    if (answered > 0 && !send_or_keep(connection, input.first(answered))) return false;
    return keep(connection, input.subspan(answered));
  }

  bool keep(Connection& connection, std::span<const char> partial) const {
    connection.kept = partial.size();
    if (partial.size() >= longest_) return false;
    if (partial.empty()) return true;
    connection.own.resize(longest_);
    if (partial.data() != connection.own.data()) std::copy(partial.begin(), partial.end(), connection.own.begin());
    return true;
  }

  static bool send_or_keep(Connection& connection, std::span<const char> data) {
    const ssize_t sent = send(connection.descriptor, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    const std::span<const char> rest = data.subspan(sent < 0 ? 0 : static_cast<std::size_t>(sent));
    connection.unsent.assign(rest.begin(), rest.end());
    return true;
  }

  static bool flush(Connection& connection) {
    if (connection.unsent.empty()) return true;
    const std::string waiting = std::exchange(connection.unsent, {});
    return send_or_keep(connection, waiting);
  }

  static void close_connection(Connection& connection) {
    close(connection.descriptor);  // which takes it out of the epoll set
    delete &connection;
  }

  std::size_t longest_;
  std::vector<char> shared_ = std::vector<char>(kSharedBytes);
  int listener_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
};

}  // namespace

int main(int argc, char** argv) {
  Loop loop(bench::buffer_size(argc, argv));
  loop.run();
}
