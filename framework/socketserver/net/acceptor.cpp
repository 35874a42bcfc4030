#include <socketserver/net/acceptor.hpp>

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <limits>
#include <socketserver/base/kernel_timeout.hpp>
#include <socketserver/base/last_error.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/wait/execution.hpp>
#include <utility>

namespace socketserver {
namespace {

/// Whether the host lacks the address's family, as a kernel without IPv6. Only then is a name's next address tried: one
/// that is in use, forbidden or another host's ends the start, or two servers would share a port on different
/// addresses.
bool family_is_missing(std::error_code error) { return error == std::errc::address_family_not_supported; }

FileDescriptor open_spare() noexcept { return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

AcceptError classify_accept_error(std::error_code error) noexcept {
  switch (error.value()) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return AcceptError::resource;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
    case EFAULT: return AcceptError::fatal;
    // Everything else is about one connection: aborted, or the network's errors. A firewall's EPERM may last.
    default: return AcceptError::transient;
  }
}

Acceptor::Acceptor(const ListenOptions& listen, const SocketOptions& socket)
    : listen_(listen), socket_(socket), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), spare_(open_spare()) {
  if (!wake_) detail::throw_last_error("eventfd");
  std::optional<std::system_error> first_error;
  for (const SocketAddress& candidate : resolve_listen(listen.host, listen.port)) {
    try {
      listener_ = open_listener(candidate);
      address_ = local_address(listener_.get());
      return;
    } catch (const std::system_error& error) {
      if (!family_is_missing(error.code())) throw;
      if (!first_error) first_error = error;
    }
  }
  throw *first_error;
}

FileDescriptor Acceptor::open_listener(const SocketAddress& address) const {
  const std::string where = concat("cannot listen on ", address.to_string());
  FileDescriptor fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) detail::throw_last_error(where);
  if (listen_.reuse_address) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (listen_.reuse_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  if (address.family() == AF_INET6) {
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, listen_.host.empty() ? 0 : 1, "IPV6_V6ONLY");
  }
  apply_options(fd.get(), socket_);
  if (::bind(fd.get(), address.data(), address.size()) != 0) detail::throw_last_error(where);
  // The kernel cuts what is larger than somaxconn, so the largest number asks for just that.
  if (::listen(fd.get(), listen_.backlog.value_or(std::numeric_limits<int>::max())) != 0)
    detail::throw_last_error(where);
  return fd;
}

Acceptor::Event Acceptor::wait(bool connections, Deadline deadline) {
  if (detail::Fiber* fiber = detail::current_fiber()) return wait_on_fiber(*fiber, connections, deadline);
  for (;;) {
    pollfd fds[2] = {{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                     {.fd = connections ? listener_.get() : -1, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(fds, 2, detail::kernel_timeout(deadline));
    if (ready < 0 && errno != EINTR) detail::throw_last_error("poll");
    if (ready > 0 && fds[0].revents != 0) {
      eventfd_t count = 0;
      (void)::eventfd_read(wake_.get(), &count);
      return Event::woken;
    }
    if (ready > 0) return Event::connection;
    if (deadline.expired()) return Event::timeout;
  }
}

Acceptor::Event Acceptor::wait_on_fiber(detail::Fiber& fiber, bool connections, Deadline deadline) {
  const auto watched = [&fiber](OwnedWatch& watch, int descriptor) -> detail::Watch& {
    if (watch != nullptr && fiber.shares_loop(*watch)) return *watch;
    watch.reset(fiber.watch(descriptor));
    if (watch == nullptr) detail::throw_last_error("epoll_ctl");
    pollfd now{.fd = descriptor, .events = POLLIN, .revents = 0};  // the loop has not looked yet
    watch->readable = ::poll(&now, 1, 0) > 0;
    return *watch;
  };
  detail::Watch& wake = watched(wake_watch_, wake_.get());
  detail::Watch* const listener = connections ? &watched(listener_watch_, listener_.get()) : nullptr;
  for (bool in_time = true, waited = false;; waited = true) {
    eventfd_t count = 0;
    if (std::exchange(wake.readable, false) && ::eventfd_read(wake_.get(), &count) == 0) return Event::woken;
    if (listener != nullptr && (listener->readable || listener->always)) {
      if (!waited) fiber.yield();
      return Event::connection;
    }
    if (!in_time || deadline.expired()) return Event::timeout;
    wake.end_park_on_read(true);
    if (listener != nullptr) listener->end_park_on_read(true);
    in_time = fiber.park(deadline);
    wake.end_park_on_read(false);
    if (listener != nullptr) listener->end_park_on_read(false);
  }
}

void Acceptor::ReleaseWatch::operator()(detail::Watch* watch) const noexcept { watch->release(); }

void Acceptor::wake() noexcept { (void)::eventfd_write(wake_.get(), 1); }

Acceptor::Accepted Acceptor::accept() noexcept {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  const int fd = ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC);
  if (fd >= 0) return {FileDescriptor(fd), {reinterpret_cast<const sockaddr*>(&peer), length}, {}};
  const std::error_code error = detail::last_error();
  const detail::Fiber* const fiber = detail::current_fiber();
  if (fiber != nullptr && listener_watch_ != nullptr && fiber->shares_loop(*listener_watch_)) {
    listener_watch_->readable = error.value() != EAGAIN && listener_watch_->readable;  // else the next edge tells
  }
  if (error.value() == EMFILE || error.value() == ENFILE) {
    if (!refuses_new_) {
      turn_one_away();
    } else if (spare_) {
      spare_.reset();
      return accept();
    }
  }
  return {{}, {}, error};
}

void Acceptor::turn_one_away() noexcept {
  spare_.reset();
  FileDescriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
  spare_ = open_spare();
}

void Acceptor::refuse_new() noexcept {
  refuses_new_ = true;
  // A socket filter that takes no packet: neither SYNs nor the last ACK of a handshake get in any more, so
  // the queue of established connections only shrinks. Without it one could arrive between the last accept
  // and the close, and be reset with its request. Source: socket(7), SO_ATTACH_FILTER.
  sock_filter take_nothing{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
  const sock_fprog program{.len = 1, .filter = &take_nothing};
  (void)::setsockopt(listener_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

std::size_t Acceptor::waiting() const noexcept {
  tcp_info about{};
  socklen_t length = sizeof about;
  if (::getsockopt(listener_.get(), IPPROTO_TCP, TCP_INFO, &about, &length) != 0) return 0;
  return about.tcpi_unacked;  // of a listening socket: those not accepted yet. Source: tcp_get_info() in Linux.
}

void Acceptor::close() noexcept {
  listener_watch_.reset();
  listener_.reset();
}

void Acceptor::reopen() {
  listener_ = open_listener(address_);
  refuses_new_ = false;
  if (!spare_) spare_ = open_spare();
}

}  // namespace socketserver
