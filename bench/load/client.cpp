#include "client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace bench {
namespace {

constexpr std::size_t kMaxAtOnce = 65536;

sockaddr_in loopback(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
  address.sin_port = htons(port);
  return address;
}

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

// The receive buffer bounds what the peer can have under way, and small segments what its kernel buffers for it: with
// loopback's of 64 KiB that would be megabytes (tcp(7), TCP_MAXSEG).
void make_small(int descriptor) {
  const int buffer = 4096;
  const int segment = 536;
  check(setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer), "SO_RCVBUF");
  check(setsockopt(descriptor, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment), "TCP_MAXSEG");
}

}  // namespace

int connect_from(std::uint32_t client, std::uint16_t port, Window window) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(descriptor, "socket");
  try {
    const int on = 1;
    check(setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
    check(setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on), "IP_BIND_ADDRESS_NO_PORT");
    if (window == Window::small) make_small(descriptor);
    const sockaddr_in from = loopback(1 + client % 200, 0);
    check(bind(descriptor, reinterpret_cast<const sockaddr*>(&from), sizeof from), "bind");
    const sockaddr_in to = loopback(1, port);
    check(connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to), "connect");
  } catch (...) {
    close(descriptor);
    throw;
  }
  return descriptor;
}

Client::Client(std::uint32_t number, std::uint16_t port, const Lines& lines, std::size_t depth, Window window)
    : descriptor_(connect_from(number, port, window)), number_(number), lines_(&lines), began_(depth) {}

Client::Client(Client&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      number_(other.number_),
      lines_(other.lines_),
      sent_(other.sent_),
      received_(other.received_),
      began_(std::move(other.began_)) {}

Client::~Client() {
  if (descriptor_ >= 0) close(descriptor_);
}

template <typename Error>
void Client::fail(const std::string& what) const {
  throw Error("client " + std::to_string(number_) + ": " + what);
}

void Client::send_ahead(Clock::time_point now, std::size_t most_bytes) {
  const std::uint64_t allowed = (lines_answered() + began_.size()) * lines_->size();
  send_up_to(most_bytes < allowed - sent_ ? sent_ + most_bytes : allowed, now);
}

void Client::finish_line(Clock::time_point now) {
  send_up_to((sent_ + lines_->size() - 1) / lines_->size() * lines_->size(), now);
}

void Client::await_answers(std::chrono::duration<double> patience) {
  static std::array<char, kMaxAtOnce> room;
  Histogram unused;
  const Clock::time_point began = Clock::now();
  while (!all_answered()) {
    const bool partly_sent = sent_ % lines_->size() != 0;
    pollfd wait{.fd = descriptor_, .events = static_cast<short>(POLLIN | (partly_sent ? POLLOUT : 0)), .revents = 0};
    poll(&wait, 1, 100);
    if (Clock::now() - began > patience) fail<WrongAnswer>("no answer within the patience");
    finish_line(began);
    receive(room, unused);
  }
}

void Client::send_up_to(std::uint64_t limit, Clock::time_point now) {
  static std::array<char, kMaxAtOnce> buffer;  // one thread, refilled by each call: shared, it stays in the cache
  while (sent_ < limit) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(limit - sent_, buffer.size()));
    lines_->ask(std::span(buffer).first(size), number_, sent_);
    const ssize_t sent = send(descriptor_, buffer.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) fail<ConnectionEnded>("send: " + std::generic_category().message(errno));
    const std::uint64_t first = (sent_ + lines_->size() - 1) / lines_->size();
    sent_ += static_cast<std::uint64_t>(sent);
    for (std::uint64_t line = first; line * lines_->size() < sent_; ++line) began_[line % began_.size()] = now;
  }
}

std::size_t Client::receive(std::span<char> room, Histogram& latencies) {
  const ssize_t got = recv(descriptor_, room.data(), room.size(), MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got < 0) fail<ConnectionEnded>("recv: " + std::generic_category().message(errno));
  if (got == 0) fail<ConnectionEnded>("the server ended the connection");
  const auto size = static_cast<std::size_t>(got);
  check(room.first(size));
  const std::uint64_t before = lines_answered();
  received_ += size;
  count_answers(before, latencies);
  return size;
}

void Client::check(std::span<const char> bytes) const {
  if (received_ + bytes.size() <= sent_ && lines_->answered(bytes, number_, received_)) return;
  fail<WrongAnswer>("line " + std::to_string(lines_answered()) +
                    " was answered wrongly: " + std::string(bytes.data(), std::min<std::size_t>(bytes.size(), 80)));
}

void Client::count_answers(std::uint64_t before, Histogram& latencies) const {
  const std::uint64_t after = lines_answered();
  if (after == before) return;
  const Clock::time_point now = Clock::now();
  for (std::uint64_t line = before; line < after; ++line) latencies.add(now - began_[line % began_.size()]);
}

}  // namespace bench
