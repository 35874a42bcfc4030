#include <socketserver/net/socket_stream.hpp>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <socketserver/net/byte_log.hpp>
#include <socketserver/net/socket_calls.hpp>
#include <socketserver/net/socket_options.hpp>
#include <utility>

namespace socketserver {
namespace {

/// @returns the bytes that wait in the kernel to be read.
std::uint64_t received_by_kernel(int fd) {
  int bytes = 0;
  return ::ioctl(fd, SIOCINQ, &bytes) == 0 && bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

/// Adds to a counter that one thread at a time writes and any may read.
void add(std::atomic<std::uint64_t>& counter, std::size_t bytes) {
  counter.store(counter.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
}

/// @returns the descriptor that ends a Unix socket's waits; none for TCP. @throws std::system_error.
FileDescriptor make_interrupt(const SocketAddress& peer) {
  if (peer.family() != AF_UNIX) return {};
  FileDescriptor interrupt(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!interrupt) detail::throw_last_error("eventfd");
  return interrupt;
}

/// A drain has begun, so that no wait for a message may. Most operations have no error, and cost no comparison.
bool is_forbidden(const std::error_code& error) { return error && error == std::errc::operation_canceled; }

}  // namespace

SocketStream::SocketStream(FileDescriptor socket, const SocketAddress& peer, const StreamTimeouts& timeouts,
                           Logger* log)
    : socket_(std::move(socket)),
      peer_(peer),
      interrupt_(make_interrupt(peer)),
      message_wait_(state_, kWaiting, kDraining, interrupt_.get()) {
  set_timeouts(timeouts);
  if (log != nullptr && log->enabled(LogLevel::debug)) observe(std::make_unique<detail::ByteLog>(*log, peer));
}

SocketStream::~SocketStream() { close(); }

SocketAddress SocketStream::local_address() const { return socketserver::local_address(socket_.get()); }

IoResult SocketStream::read_some(std::span<std::byte> into, Deadline deadline, Wait wait) {
  IoResult result =
      wait == Wait::message ? read_message_start(into, deadline) : waiter_.receive(socket_.get(), into, deadline);
  add(bytes_in_, result.bytes);
  if (result.bytes > 0 || result.error || into.empty()) return result;
  // recv(2) returned 0, which is the peer's EOF unless this side has shut reading down.
  if (wait == Wait::more && has(kDraining) && has(kReadShut)) result = read_rest(into, deadline);
  if (result.bytes > 0 || result.error) return result;
  if (has(kAborted)) result.error = std::make_error_code(std::errc::connection_aborted);
  at_eof_ = !result.error && (!has(kDraining | kReadShut) || peer_has_closed());
  return result;
}

IoResult SocketStream::read_message_start(std::span<std::byte> into, Deadline deadline) {
  if (has(kDraining)) return read_before_mark(into);
  IoResult result = waiter_.receive(socket_.get(), into, deadline, &message_wait_);
  if (is_forbidden(result.error)) result = read_before_mark(into);
  return result;
}

/// What is served after a drain has its end where the kernel's queue ended, so that a peer that keeps sending cannot
/// hold the drain up.
IoResult SocketStream::read_before_mark(std::span<std::byte> into) {
  if (!drain_mark_) drain_mark_ = bytes_in() + received_by_kernel(socket_.get());
  if (bytes_in() >= *drain_mark_) return {};
  IoResult result = detail::receive_now(socket_.get(), into);
  if (result.error == std::errc::timed_out) result.error.clear();  // nothing is there: EOF
  return result;
}

/// The rest of a message whose reading direction drain() has shut down. It may still come, and the kernel still takes
/// it; recv's 0 is EOF only if the connection's state says that the peer has closed.
IoResult SocketStream::read_rest(std::span<std::byte> into, Deadline deadline) {
  for (;;) {
    // Asked before reading, since data may precede the end.
    const bool over = peer_has_closed() || has(kAborted);
    const IoResult result = detail::receive_now(socket_.get(), into);
    add(bytes_in_, result.bytes);
    if (result.bytes > 0 || (result.error && result.error != std::errc::timed_out)) return result;
    if (over) return {};
    if (deadline.expired()) return {0, detail::timed_out()};
    if (const std::error_code error = waiter_.wait_arrival(socket_.get(), deadline)) return {0, error};
  }
}

bool SocketStream::peer_has_closed() const noexcept {
  if (peer_.family() == AF_UNIX) return unix_peer_has_closed();
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return true;
  return info.tcpi_state != TCP_ESTABLISHED && info.tcpi_state != TCP_FIN_WAIT1 && info.tcpi_state != TCP_FIN_WAIT2;
}

/// Where this side has shut reading down, too, only the end of both directions can be told.
bool SocketStream::unix_peer_has_closed() const noexcept {
  const short sign = has(kReadShut) ? POLLHUP : POLLRDHUP;
  pollfd look{.fd = socket_.get(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&look, 1, 0) > 0 && (look.revents & sign) != 0;
}

bool SocketStream::waits_without_buffer() const noexcept { return detail::SocketWaiter::waits_cheaply(); }

IoResult SocketStream::wait_some(Deadline deadline, Wait wait) {
  const detail::WaitMark* const mark = wait == Wait::message ? &message_wait_ : nullptr;
  const std::error_code error = waiter_.wait_readable(socket_.get(), deadline, mark);
  return {0, is_forbidden(error) ? std::error_code() : error};  // read_some() sees the drain
}

IoResult SocketStream::write_some(std::span<const std::byte> bytes, Deadline deadline) {
  const IoResult result = waiter_.send(socket_.get(), bytes, deadline);
  add(bytes_out_, result.bytes);
  return result;
}

void SocketStream::shutdown(ShutdownHow how) noexcept {
  const std::lock_guard lock(shutdown_mutex_);
  if (!socket_) return;
  const unsigned shut = how == ShutdownHow::read    ? kReadShut
                        : how == ShutdownHow::write ? kWriteShut
                                                    : kReadShut | kWriteShut;
  if ((state_.fetch_or(shut) & shut) == shut) return;
  const int direction = how == ShutdownHow::read ? SHUT_RD : how == ShutdownHow::write ? SHUT_WR : SHUT_RDWR;
  (void)::shutdown(socket_.get(), direction);  // ENOTCONN: the peer has reset it, which is no error here
}

void SocketStream::drain() noexcept {
  // kWaiting may be cleared between the two lines; the reader then finds a read end shut down that it still
  // needs, which is what read_rest() is for.
  if ((state_.fetch_or(kDraining) & kWaiting) != 0) end_wait();
}

void SocketStream::end_wait() noexcept {
  if (peer_.family() != AF_UNIX) return shutdown(ShutdownHow::read);
  const std::lock_guard lock(shutdown_mutex_);
  if (interrupt_) (void)::eventfd_write(interrupt_.get(), 1);
}

void SocketStream::abort() noexcept {
  state_.fetch_or(kAborted | kReadShut | kWriteShut);
  const std::lock_guard lock(shutdown_mutex_);
  // Also where both directions are shut already: it wakes a reader who waits for the rest after a drain.
  if (socket_) (void)::shutdown(socket_.get(), SHUT_RDWR);
}

void SocketStream::close() noexcept { release().reset(); }

detail::FirstInput SocketStream::first_input() const noexcept {
  pollfd look{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&look, 1, 0) <= 0) return detail::FirstInput::none;
  if ((look.revents & POLLERR) == 0) return detail::FirstInput::arrived;
  std::byte byte{};  // what came before a reset can still be read
  const bool arrived = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  return arrived ? detail::FirstInput::arrived : detail::FirstInput::gone;
}

FileDescriptor SocketStream::release() noexcept {
  end_sends();
  waiter_.release();
  const std::lock_guard lock(shutdown_mutex_);
  if (socket_ && send_failed()) reset_on_close(socket_.get());
  interrupt_.reset();
  return std::move(socket_);
}

}  // namespace socketserver
