#include <socketserver/net/socket_stream.hpp>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <socketserver/base/kernel_timeout.hpp>
#include <socketserver/base/last_error.hpp>
#include <socketserver/net/byte_log.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/wait/execution.hpp>
#include <utility>

namespace socketserver {
namespace {

using detail::last_error;

constexpr Duration kExact = std::chrono::milliseconds(20);  // a shorter wait is set as it is

std::error_code timed_out() { return std::make_error_code(std::errc::timed_out); }

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

/// @returns the bytes that wait in the kernel to be read.
std::uint64_t received_by_kernel(int fd) {
  int bytes = 0;
  return ::ioctl(fd, SIOCINQ, &bytes) == 0 && bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

/// Adds to a counter that one thread at a time writes and any may read.
void add(std::atomic<std::uint64_t>& counter, std::size_t bytes) {
  counter.store(counter.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
}

/// Makes the next recv(2) or send(2) return by the deadline, or not wait at all.
/// @param name     SO_RCVTIMEO or SO_SNDTIMEO.
/// @param current  what is set on the socket, kept up to date.
/// @returns the flags for the call.
int bound_wait(int fd, int name, Duration& current, Deadline deadline) {
  const Duration left = std::min(deadline.remaining(), detail::kLongestWait);
  if (left <= Duration::zero()) return MSG_DONTWAIT;
  const bool none = deadline.is_never();
  // A timeout that ends before the deadline is right, too: the caller goes round again. So one that is somewhat too
  // short is set, and then fits the waits to come, which are as long but begin a little later after their deadline.
  const bool fits = none ? current == Duration::zero() : current <= left && current > left / 2;
  if (fits) return 0;
  const Duration wanted = left < kExact ? left : left - left / 8;
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(wanted).count() + 1;
  const timeval value{.tv_sec = none ? 0 : microseconds / 1'000'000, .tv_usec = none ? 0 : microseconds % 1'000'000};
  if (::setsockopt(fd, SOL_SOCKET, name, &value, sizeof value) != 0) return MSG_DONTWAIT;
  current = none ? Duration::zero() : wanted;
  return 0;
}

/// Whether a read would bring something: bytes, the end or an error.
bool has_input(int fd) {
  char byte = 0;
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || !would_block(errno);
}

/// recv(2) without a wait. @returns timed_out if that would be needed.
IoResult read_now(int fd, std::span<std::byte> into) {
  for (;;) {
    const ssize_t got = ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
    if (got >= 0) return {static_cast<std::size_t>(got), {}};
    if (errno != EINTR) return {0, would_block(errno) ? timed_out() : last_error()};
  }
}

}  // namespace

SocketStream::SocketStream(FileDescriptor socket, const SocketAddress& peer, const StreamTimeouts& timeouts,
                           Logger* log)
    : socket_(std::move(socket)), peer_(peer) {
  set_timeouts(timeouts);
  if (log != nullptr && log->enabled(LogLevel::debug)) observe(std::make_unique<detail::ByteLog>(*log, peer));
}

SocketStream::~SocketStream() { close(); }

SocketAddress SocketStream::local_address() const { return socketserver::local_address(socket_.get()); }

IoResult SocketStream::read_some(std::span<std::byte> into, Deadline deadline, Wait wait) {
  IoResult result = detail::current_fiber() != nullptr ? fiber_read(into, deadline, wait)
                    : wait == Wait::message            ? read_message_start(into, deadline)
                                                       : blocking_read(into, deadline);
  add(bytes_in_, result.bytes);
  if (result.bytes > 0 || result.error || into.empty()) return result;
  // recv(2) returned 0, which is the peer's EOF unless this side has shut reading down.
  const unsigned state = state_.load();
  if ((state & kDraining) != 0 && wait == Wait::more) result = read_rest_after_drain(into, deadline);
  if (result.bytes > 0 || result.error) return result;
  if ((state_.load() & kAborted) != 0) result.error = std::make_error_code(std::errc::connection_aborted);
  const bool ours = (state_.load() & (kDraining | kReadShut)) != 0;
  at_eof_ = !result.error && (!ours || peer_has_closed());
  return result;
}

/// drain() shuts down reading while kWaiting is set; before and after it only sets its bit, which is seen here.
IoResult SocketStream::read_message_start(std::span<std::byte> into, Deadline deadline) {
  const bool draining = (state_.fetch_or(kWaiting) & kDraining) != 0;
  const IoResult result = draining ? IoResult{} : blocking_read(into, deadline);
  state_.fetch_and(~kWaiting);
  return draining ? read_after_drain(into) : result;
}

/// What is served after a drain has its end where the kernel's queue ended, so that a peer that keeps sending cannot
/// hold the drain up.
IoResult SocketStream::read_after_drain(std::span<std::byte> into) {
  if (!drain_mark_) drain_mark_ = bytes_in() + received_by_kernel(socket_.get());
  if (bytes_in() >= *drain_mark_) return {};
  IoResult result = read_now(socket_.get(), into);
  if (result.error == std::errc::timed_out) result.error.clear();  // nothing is there: EOF
  return result;
}

IoResult SocketStream::blocking_read(std::span<std::byte> into, Deadline deadline) {
  for (;;) {
    const int flags = bound_wait(socket_.get(), SO_RCVTIMEO, receive_timeout_, deadline);
    const ssize_t got = ::recv(socket_.get(), into.data(), into.size(), flags);
    if (got >= 0) return {static_cast<std::size_t>(got), {}};
    if (errno == EINTR) continue;
    if (!would_block(errno)) return {0, last_error()};
    if (deadline.expired()) return {0, timed_out()};
  }
}

/// After drain() has shut down reading, recv(2) returns 0 where it would wait, although the rest of a message
/// that had begun may still come and the kernel still takes it. An edge-triggered epoll reports each arrival;
/// recv's 0 is EOF only if the connection's state says that the peer has closed. (poll(2) would return at once.)
IoResult SocketStream::read_rest_after_drain(std::span<std::byte> into, Deadline deadline) {
  if (detail::current_fiber() != nullptr) return fiber_read_rest(into, deadline);
  const FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {}};
  if (!epoll || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket_.get(), &event) != 0) return {0, last_error()};
  for (;;) {
    if (const auto result = read_rest_now(into, deadline)) return *result;
    const int ready = ::epoll_wait(epoll.get(), &event, 1, detail::kernel_timeout(deadline));
    if (ready < 0 && errno != EINTR) return {0, last_error()};
  }
}

bool SocketStream::peer_has_closed() const noexcept {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return true;
  return info.tcpi_state != TCP_ESTABLISHED && info.tcpi_state != TCP_FIN_WAIT1 && info.tcpi_state != TCP_FIN_WAIT2;
}

/// The stream's registration with the loop of the fiber that runs. The first reader's is kept for the stream's life,
/// and used by all fibers of its loop; a fiber of another loop has one of its own for as long as its operation lasts,
/// and so has a sender before there is a reader.
class SocketStream::Watching {
 public:
  Watching(SocketStream& stream, detail::Fiber& fiber, bool keep) noexcept : watch_(stream.watch_.load()) {
    if (watch_ != nullptr && fiber.shares_loop(*watch_)) return;
    const bool first = watch_ == nullptr && keep;
    watch_ = fiber.watch(stream.socket_.get());
    temporary_ = !first;
    if (first) stream.watch_.store(watch_);
  }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;
  ~Watching() {
    if (temporary_ && watch_ != nullptr) watch_->release();
  }
  /// @returns false if it failed, with errno set.
  explicit operator bool() const { return watch_ != nullptr; }
  detail::Watch* operator->() const { return watch_; }
  detail::Watch& operator*() const { return *watch_; }

 private:
  detail::Watch* watch_;
  bool temporary_ = false;
};

IoResult SocketStream::write_some(std::span<const std::byte> bytes, Deadline deadline) {
  detail::Fiber* const fiber = detail::current_fiber();
  for (;;) {
    const int wait = fiber != nullptr ? MSG_DONTWAIT : bound_wait(socket_.get(), SO_SNDTIMEO, send_timeout_, deadline);
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), wait | MSG_NOSIGNAL);
    if (sent >= 0) {
      add(bytes_out_, static_cast<std::size_t>(sent));
      if (fiber != nullptr) fiber->did_not_wait(static_cast<std::size_t>(sent));
      return {static_cast<std::size_t>(sent), {}, IoOperation::send};
    }
    if (errno == EINTR) continue;
    if (!would_block(errno)) return {0, last_error(), IoOperation::send};
    if (deadline.expired()) return {0, timed_out(), IoOperation::send};
    if (fiber == nullptr) continue;
    const Watching watch(*this, *fiber, false);
    if (!watch) return {0, last_error(), IoOperation::send};
    (void)watch->wait_write(deadline);
  }
}

bool SocketStream::waits_without_buffer() const noexcept { return detail::current_fiber() != nullptr; }

IoResult SocketStream::fiber_read(std::span<std::byte> into, Deadline deadline, Wait wait) {
  detail::Fiber& fiber = *detail::current_fiber();
  const Watching watch(*this, fiber, true);
  if (!watch) return {0, last_error()};
  if (into.empty()) return {};
  for (bool overdue = false;; overdue = !fiber_wait(*watch, deadline, wait)) {
    if (wait == Wait::message && (state_.load() & kDraining) != 0) return read_after_drain(into);
    if (!watch->readable && !watch->always && !overdue) continue;
    const IoResult result = read_now(socket_.get(), into);
    // Fewer than asked for: nothing is left, and the next edge tells of more. Source: epoll(7).
    watch->readable = result.bytes == into.size();
    if (result.error && result.error == std::errc::timed_out && !overdue) continue;
    fiber.did_not_wait(result.bytes);
    return result;
  }
}

/// As read_message_start() does on a thread. @returns false if the deadline passed.
bool SocketStream::fiber_wait(detail::Watch& watch, Deadline deadline, Wait wait) {
  if (wait == Wait::more) return watch.wait_read(deadline);
  const bool draining = (state_.fetch_or(kWaiting) & kDraining) != 0;
  const bool come = draining || watch.wait_read(deadline);
  state_.fetch_and(~kWaiting);
  return come;
}

IoResult SocketStream::wait_some(Deadline deadline, Wait wait) {
  const Watching watch(*this, *detail::current_fiber(), true);
  if (!watch) return {0, last_error()};
  const bool come = watch->readable || watch->always || fiber_wait(*watch, deadline, wait);
  // As everywhere, a deadline that has passed still lets what is there be taken, and the loop may not have looked
  // since.
  return {0, come || has_input(socket_.get()) ? std::error_code() : timed_out()};
}

/// As read_rest_after_drain(), whose epoll is here the loop's.
IoResult SocketStream::fiber_read_rest(std::span<std::byte> into, Deadline deadline) {
  const Watching watch(*this, *detail::current_fiber(), true);
  if (!watch) return {0, last_error()};
  for (;;) {
    if (const auto result = read_rest_now(into, deadline)) return *result;
    (void)watch->wait_read(deadline);
  }
}

/// @returns nullopt if nothing is there and more may come.
std::optional<IoResult> SocketStream::read_rest_now(std::span<std::byte> into, Deadline deadline) {
  // Asked before reading, since data may precede the end.
  const bool over = peer_has_closed() || (state_.load() & kAborted) != 0;
  const IoResult result = read_now(socket_.get(), into);
  add(bytes_in_, result.bytes);
  if (result.bytes > 0 || (result.error && result.error != std::errc::timed_out)) return result;
  if (over) return IoResult{};
  if (deadline.expired()) return IoResult{0, timed_out()};
  return std::nullopt;
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
  // needs, which is what read_rest_after_drain is for.
  if ((state_.fetch_or(kDraining) & kWaiting) != 0) shutdown(ShutdownHow::read);
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
  if (detail::Watch* watch = watch_.exchange(nullptr)) watch->release();
  const std::lock_guard lock(shutdown_mutex_);
  if (socket_ && send_failed()) reset_on_close(socket_.get());
  return std::move(socket_);
}

}  // namespace socketserver
