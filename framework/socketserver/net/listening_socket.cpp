#include <socketserver/net/listening_socket.hpp>

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <limits>
#include <new>
#include <optional>
#include <socketserver/base/last_error.hpp>
#include <socketserver/base/text.hpp>

namespace socketserver::detail {
namespace {

/// Whether the host lacks the address's family, as a kernel without IPv6. Only then is a name's next address tried: one
/// that is in use, forbidden or another host's ends the start, or two servers would share a port on different
/// addresses.
bool family_is_missing(std::error_code error) { return error == std::errc::address_family_not_supported; }

void apply_address_options(int fd, const SocketAddress& address, const ListenOptions& listen) {
  if (listen.reuse_address) set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (listen.reuse_port) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  if (address.family() != AF_INET6) return;
  set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, listen.host.empty() ? 0 : 1, "IPV6_V6ONLY");
}

bool has_connection(int fd) noexcept {
  pollfd look{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&look, 1, 0) > 0;
}

}  // namespace

ListeningSocket::ListeningSocket(const ListenOptions& listen, const SocketOptions& socket)
    : listen_(listen), socket_(socket), listener_(open_first()), address_(local_address(listener_.get())) {}

FileDescriptor ListeningSocket::open_first() {
  if (!listen_.path.empty()) return open(unix_address(listen_.path));
  std::optional<std::system_error> first_error;
  for (const SocketAddress& candidate : resolve_listen(listen_.host, listen_.port)) {
    try {
      return open(candidate);
    } catch (const std::system_error& error) {
      if (!family_is_missing(error.code())) throw;
      if (!first_error) first_error = error;
    }
  }
  throw *first_error;
}

FileDescriptor ListeningSocket::open(const SocketAddress& address) {
  const std::string where = concat("cannot listen on ", address.to_string());
  FileDescriptor fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw_last_error(where);
  // The kernel cuts what is larger than somaxconn, so the largest number asks for just that.
  const int backlog = listen_.backlog.value_or(std::numeric_limits<int>::max());
  apply_options(fd.get(), socket_);
  if (address.family() == AF_UNIX) {
    file_.listen(fd.get(), address, listen_.mode, backlog);
    return fd;
  }
  apply_address_options(fd.get(), address, listen_);
  if (::bind(fd.get(), address.data(), address.size()) != 0) throw_last_error(where);
  if (::listen(fd.get(), backlog) != 0) throw_last_error(where);
  return fd;
}

ListeningSocket::Accepted ListeningSocket::accept() noexcept {
  if (counted_.empty()) return accept_next();
  Accepted first = std::move(counted_.front());
  counted_.pop_front();
  return first;
}

ListeningSocket::Accepted ListeningSocket::accept_next() noexcept {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  const int fd = ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC);
  if (fd < 0) return {.error = last_error()};
  return {.socket = FileDescriptor(fd), .peer = {reinterpret_cast<const sockaddr*>(&peer), length}};
}

void ListeningSocket::refuse_new() noexcept {
  if (is_unix()) {
    // Those in the queue stay, and connect(2) fails from now on. The file goes first, while no other server takes the
    // name for a dead one's. Source: unix_stream_connect() and unix_accept() in Linux.
    file_.remove();
    (void)::shutdown(listener_.get(), SHUT_RD);
    return;
  }
  // A socket filter that takes no packet: neither SYNs nor the last ACK of a handshake get in any more, so
  // the queue of established connections only shrinks. Without it one could arrive between the last accept
  // and the close, and be reset with its request. Source: socket(7), SO_ATTACH_FILTER.
  sock_filter take_nothing{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
  const sock_fprog program{.len = 1, .filter = &take_nothing};
  (void)::setsockopt(listener_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

std::size_t ListeningSocket::waiting() noexcept {
  if (!listener_) return 0;
  if (!is_unix()) {
    tcp_info about{};
    socklen_t length = sizeof about;
    if (::getsockopt(listener_.get(), IPPROTO_TCP, TCP_INFO, &about, &length) != 0) return 0;
    return about.tcpi_unacked;  // of a listening socket: those not accepted yet. Source: tcp_get_info() in Linux.
  }
  // The kernel has no number for a Unix socket but by netlink, so they are taken, and kept for accept().
  std::error_code end;
  try {
    for (Accepted next = accept_next(); !(end = next.error); next = accept_next()) counted_.push_back(std::move(next));
  } catch (const std::bad_alloc&) {
    return counted_.size() + 1;  // the one that is lost here
  }
  const bool more = end != std::errc::operation_would_block && has_connection(listener_.get());
  return counted_.size() + (more ? 1 : 0);
}

void ListeningSocket::close() noexcept {
  file_.remove();
  counted_.clear();
  listener_.reset();
}

void ListeningSocket::reopen() { listener_ = open(address_); }

}  // namespace socketserver::detail
