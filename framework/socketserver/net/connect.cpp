#include <socketserver/net/connect.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <socketserver/base/last_error.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/net/lookup.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/net/socket_texts.hpp>
#include <socketserver/net/wait_connected.hpp>
#include <socketserver/observe/log.hpp>
#include <utility>

namespace socketserver {
namespace {

using detail::last_error;
using detail::Pending;
using Addresses = std::vector<SocketAddress>;

constexpr Duration kMinShare = std::chrono::seconds(2);
constexpr std::size_t kMaxPending = 16;  // sockets of one call
constexpr std::size_t kMaxListed = 8;    // addresses in an error's text

/// @returns this address's part of the time that is left: all of it for the last one.
Deadline share_of(Deadline total, std::size_t addresses_left) {
  if (total.is_never() || addresses_left <= 1) return total;
  const Duration left = total.remaining();
  const Duration part = left / static_cast<Duration::rep>(addresses_left);
  return Deadline::after(std::max(part, std::min(kMinShare, left / 2)));
}

/// How one address went.
struct Attempt {
  FileDescriptor socket{};  // connected, unless there is an error
  std::error_code error{};
  std::string cause{};   // the error in words
  bool overdue = false;  // we gave up, not the kernel
};

Attempt failed(std::error_code error) { return {{}, error, error.message()}; }

Attempt overdue(const Pending& pending) {
  const Duration waited = steady_clock().now() - pending.begun;
  return {
      {}, std::make_error_code(std::errc::timed_out), concat("no answer within ", detail::timeout_text(waited)), true};
}

/// Two ends that choose the same port of the same host at the same time are connected: so may one that meets itself,
/// where it looks for a server in the range of ephemeral ports. Source: RFC 9293, section 3.5.
bool met_itself(int fd, const SocketAddress& peer) { return local_address(fd) == peer; }

/// One call of create_connection.
class Connecting {
 public:
  Connecting(std::string target, const ConnectOptions& options)
      : target_(std::move(target)), options_(options), deadline_(Deadline::after(options.connect_timeout)) {
    const bool wanted = options.log != nullptr && options.log->enabled(LogLevel::debug);
    log_ = wanted ? options.log : nullptr;
    if (log_ == nullptr) return;
    limits_ = kernel_limits();
    log_->debug(concat("connecting to ", target_, ": connect timeout ", detail::timeout_text(options.connect_timeout),
                       ", I/O timeout ", detail::timeout_text(options.io_timeout)));
  }

  /// @param purpose  for an error's text, where it is not the target's name that is looked up.
  Addresses resolve(std::string_view host, std::uint16_t port, std::string_view purpose = "") const {
    detail::ResolveResult found = find(host, port, purpose);
    if (!found.overdue.empty()) throw TimeoutError(concat(overdue_text(), purpose, " (", found.overdue, ")"));
    if (found.error) throw StreamError(found.error, concat(refused_text(), purpose));
    return std::move(found.addresses);
  }

  using Made = std::pair<FileDescriptor, SocketAddress>;

  /// @returns a connected socket and its peer.
  Made connect(const Addresses& addresses) {
    if (options_.bind) sources_ = resolve(options_.bind->host, options_.bind->port, ": " + bind_text());
    addresses_ = addresses;
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      begin(i);
      if (auto made = await(i, share_of(deadline_, addresses_.size() - i))) return std::move(*made);
      if (is_pending(i)) leave_pending();
    }
    if (auto made = await(0, deadline_)) return std::move(*made);
    fail();
  }

 private:
  detail::ResolveResult find(std::string_view host, std::uint16_t port, std::string_view purpose) const {
    try {
      return detail::resolve_host(host, port, deadline_);
    } catch (const std::system_error& error) {
      throw StreamError(error.code(), concat(refused_text(), purpose, ": no thread to look the name up"));
    }
  }

  /// Has the kernel connect to the address, which is pending then, or failed.
  void begin(std::size_t index) {
    attempts_.emplace_back();
    const SocketAddress& address = addresses_[index];
    // The kernel would send SYNs to it.
    if (address.port() == 0) return settle(index, failed(std::make_error_code(std::errc::address_not_available)));
    try {
      const TimePoint begun = steady_clock().now();
      FileDescriptor socket = open(address);
      const int result = ::connect(socket.get(), address.data(), address.size());
      if (result != 0 && errno != EINPROGRESS && errno != EINTR) return settle(index, failed(last_error()));
      pending_.push_back({index, std::move(socket), begun});
    } catch (const std::system_error& error) {
      settle(index, {{}, error.code(), error.what()});
    }
  }

  bool is_pending(std::size_t index) const { return !pending_.empty() && pending_.back().index >= index; }

  /// Waits while the address is pending, or one after it. @returns the first connection, of whichever address.
  std::optional<Made> await(std::size_t index, Deadline until) {
    while (is_pending(index)) {
      const std::optional<std::size_t> decided = wait(until);
      if (!decided) return std::nullopt;
      Pending one = take(*decided);
      settle(one.index, finish(one.socket, addresses_[one.index]));
      Attempt& attempt = attempts_[one.index];
      if (!attempt.error) return Made{std::move(attempt.socket), addresses_[one.index]};
    }
    return std::nullopt;
  }

  std::optional<std::size_t> wait(Deadline until) const {
    try {
      return detail::wait_connected(pending_, until);
    } catch (const std::system_error& error) {
      throw StreamError(error.code(), concat(refused_text(), ": cannot wait"));
    }
  }

  /// The newest has had its share of the time. It may still be answered while others are tried, but not if they need
  /// the same port.
  void leave_pending() {
    note(addresses_[pending_.back().index], overdue(pending_.back()).cause);
    const bool one_port = options_.bind && options_.bind->port != 0 && !options_.reuse_address;
    if (one_port) give_up(pending_.size() - 1);
    if (pending_.size() > kMaxPending) give_up(0);
  }

  void give_up(std::size_t place) {
    const Pending one = take(place);
    attempts_[one.index] = overdue(one);
  }

  Pending take(std::size_t place) {
    Pending one = std::move(pending_[place]);
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(place));
    return one;
  }

  void settle(std::size_t index, Attempt attempt) {
    if (attempt.error) note(addresses_[index], attempt.cause);
    attempts_[index] = std::move(attempt);
  }

  /// @returns a socket that does not block, with its options, bound if so wished. @throws std::system_error.
  FileDescriptor open(const SocketAddress& address) const {
    FileDescriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int fd = socket.get();
    if (!socket) throw std::system_error(last_error(), "socket");
    if (options_.reuse_address) set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
    apply_options(
        fd,
        {.nodelay = options_.nodelay, .receive_buffer = options_.receive_buffer, .send_buffer = options_.send_buffer});
    if (options_.syn_retries) set_syn_retries(fd, *options_.syn_retries);
    if (options_.bind) bind(fd, address.family());
    if (log_ != nullptr) note_options(fd, address);
    return socket;
  }

  /// A kernel that took the number and went its own way would make every timeout computed from it wrong.
  static void set_syn_retries(int fd, int retries) {
    set_option(fd, IPPROTO_TCP, TCP_SYNCNT, retries, "TCP_SYNCNT");
    if (get_option(fd, IPPROTO_TCP, TCP_SYNCNT) == retries) return;
    throw std::system_error(std::make_error_code(std::errc::invalid_argument), "TCP_SYNCNT was not kept");
  }

  void bind(int fd, int family) const {
    const auto source = std::find_if(sources_.begin(), sources_.end(),
                                     [family](const SocketAddress& one) { return one.family() == family; });
    const std::string what = bind_text();
    if (source == sources_.end()) {
      throw std::system_error(std::make_error_code(std::errc::address_family_not_supported), what);
    }
    // The port is chosen by connect(2) then, and may be one that is in use for another peer. Without it there are
    // fewer ports, which is no error. Source: ip(7).
    const int later = 1;
    if (source->port() == 0) (void)::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &later, sizeof later);
    if (::bind(fd, source->data(), source->size()) != 0) throw std::system_error(last_error(), what);
  }

  /// The kernel has decided: says how, and gives the stream a socket that blocks.
  Attempt finish(FileDescriptor& socket, const SocketAddress& address) const {
    const int fd = socket.get();
    const int error = get_option(fd, SOL_SOCKET, SO_ERROR).value_or(EBADF);
    if (error == ETIMEDOUT) {
      const int retries = get_option(fd, IPPROTO_TCP, TCP_SYNCNT).value_or(0);
      return {{}, {error, std::generic_category()}, concat("the kernel gave up (SYN retries: ", retries, ")")};
    }
    if (error != 0) return failed({error, std::generic_category()});
    if (met_itself(fd, address)) return failed(std::make_error_code(std::errc::connection_refused));
    if (log_ != nullptr) note(address, concat("connected from ", local_address(fd).to_string()));
    if (::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK) != 0) return failed(last_error());
    return {std::move(socket)};
  }

  std::string bind_text() const { return concat("bind to ", escaped(options_.bind->host, detail::kMaxHostText)); }
  std::string refused_text() const { return concat("cannot connect to ", target_); }
  std::string overdue_text() const {
    return concat(refused_text(), " within the connect timeout of ", detail::timeout_text(options_.connect_timeout));
  }

  [[noreturn]] void fail() {
    if (attempts_.empty()) {
      throw StreamError(std::make_error_code(std::errc::address_not_available), refused_text());
    }
    while (!pending_.empty()) give_up(0);
    const bool ours = deadline_.expired() &&
                      std::any_of(attempts_.begin(), attempts_.end(), [](const Attempt& one) { return one.overdue; });
    const bool timed_out = std::any_of(attempts_.begin(), attempts_.end(),
                                       [](const Attempt& one) { return one.error == std::errc::timed_out; });
    const std::string text = concat(ours ? overdue_text() : refused_text(), listed());
    if (timed_out) throw TimeoutError(text);
    throw StreamError(attempts_.front().error, text);
  }

  /// @returns each address and its cause; nothing where the rest of the error's text says the same.
  std::string listed() const {
    const Attempt& first = attempts_.front();
    const bool told = addresses_[0].to_string() == target_ && first.cause == first.error.message();
    if (told && attempts_.size() == 1) return {};
    std::string text = " (";
    const std::size_t shown = std::min(attempts_.size(), kMaxListed);
    for (std::size_t i = 0; i < shown; ++i) {
      text += concat(i == 0 ? "" : "; ", addresses_[i].to_string(), ": ", attempts_[i].cause);
    }
    if (shown < attempts_.size()) text += concat("; and ", attempts_.size() - shown, " more");
    return text + ")";
  }

  void note(const SocketAddress& address, std::string_view text) const {
    if (log_ != nullptr) log_->debug(concat(address.to_string(), ": ", text));
  }

  void note_options(int fd, const SocketAddress& address) const {
    note(address, detail::switches_text(fd));
    note(address, detail::syn_text(fd, limits_));
    note(address, detail::buffer_text(fd, detail::Buffer::receive, options_.receive_buffer, limits_));
    note(address, detail::buffer_text(fd, detail::Buffer::send, options_.send_buffer, limits_));
  }

  const std::string target_;  // for texts
  const ConnectOptions& options_;
  const Deadline deadline_;
  Addresses sources_{};              // to bind to, one of each family
  Addresses addresses_{};            // of the target
  std::vector<Attempt> attempts_{};  // of each address that was begun
  std::vector<Pending> pending_{};   // in the addresses' order
  Logger* log_;                      // null unless it writes debug lines
  KernelLimits limits_{};            // read only for these
};

/// @returns the host as an error shows it, with its port.
std::string target_text(std::string_view host, std::uint16_t port) {
  const std::string shown = escaped(host, detail::kMaxHostText);
  return host.find(':') == std::string_view::npos ? concat(shown, ":", port) : concat("[", shown, "]:", port);
}

std::string target_text(const Addresses& addresses) {
  return addresses.empty() ? "no address" : addresses.front().to_string();
}

SocketStream connected(Connecting::Made made, const ConnectOptions& options) {
  const StreamTimeouts timeouts{options.io_timeout, options.io_timeout, options.io_timeout};
  return SocketStream(std::move(made.first), made.second, timeouts, options.log);
}

}  // namespace

SocketStream create_connection(std::string_view host, std::uint16_t port, const ConnectOptions& options) {
  Connecting connecting(target_text(host, port), options);
  return connected(connecting.connect(connecting.resolve(host, port)), options);
}

SocketStream create_connection(const std::vector<SocketAddress>& addresses, const ConnectOptions& options) {
  Connecting connecting(target_text(addresses), options);
  return connected(connecting.connect(addresses), options);
}

}  // namespace socketserver
