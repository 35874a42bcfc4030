#include <socketserver/server/socket_listener.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <new>
#include <socketserver/base/text.hpp>
#include <socketserver/net/descriptor_room.hpp>
#include <socketserver/net/kernel_limits.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/net/socket_stream.hpp>
#include <socketserver/net/socket_texts.hpp>
#include <utility>

namespace socketserver::detail {
namespace {

std::string timeouts_text(const TimeoutsConfig& timeouts) {
  return concat("I/O timeouts: idle ", timeout_text(timeouts.idle), ", read ", timeout_text(timeouts.read), ", write ",
                timeout_text(timeouts.write), ", lifetime ", timeout_text(timeouts.lifetime));
}

/// A warning where the kernel has cut what was asked for.
void log_tcp_backlog(Logger& log, std::optional<int> asked, int listener, const KernelLimits& limits) {
  tcp_info info{};
  socklen_t length = sizeof info;
  // For a listening socket tcpi_sacked is the backlog in force. Source: ss(8).
  const bool known = ::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &length) == 0;
  const bool cut = known && asked && std::cmp_less(info.tcpi_sacked, *asked);
  log.write(cut ? LogLevel::warning : LogLevel::info,
            concat("backlog: asked ", asked ? number_text(*asked) : "the most", ", granted ",
                   known ? number_text(info.tcpi_sacked) : "unknown", " (somaxconn ", number_text(limits.somaxconn),
                   ", tcp_max_syn_backlog ", number_text(limits.tcp_max_syn_backlog), ")"));
}

/// The kernel does not tell a Unix socket's backlog. Source: listen(2), which cuts it at somaxconn.
void log_unix_backlog(Logger& log, std::optional<int> asked, const KernelLimits& limits) {
  const bool cut = asked && limits.somaxconn && *limits.somaxconn < *asked;
  log.write(cut ? LogLevel::warning : LogLevel::info,
            concat("backlog: asked ", asked ? number_text(*asked) : "the most", ", at most somaxconn, ",
                   number_text(limits.somaxconn)));
}

void log_descriptors(Logger& log, const DescriptorRoom& room, std::size_t wanted) {
  log.info(concat("descriptors: at most ", room.limit,
                  room.raised_from ? concat(", the soft limit was ", *room.raised_from) : ""));
  if (room.connections == wanted) return;
  log.warning(concat("at most ", room.connections, " connections, not ", wanted, ": the process may open ", room.limit,
                     " descriptors, and ", kDescriptorsKeptBack, " are kept for other things; ulimit -n raises that"));
}

std::string handshake_text(std::optional<std::int64_t> retries) {
  if (!retries) return "handshakes: tcp_synack_retries unknown";
  return concat("handshakes: given up after ", handshake_timeout(*retries).count(), " s (tcp_synack_retries ", *retries,
                ")");
}

std::string listening_text(const SocketAddress& address, const ListenOptions& listen) {
  return concat("listening on ", address.to_string(),
                listen.name.empty() ? "" : concat(" (", escaped(listen.name), ")"));
}

/// What one listening socket asked for and got.
void log_socket(Logger& log, int fd, const ListenOptions& listen, const SocketOptions& socket,
                const KernelLimits& limits) {
  const bool tcp = listen.path.empty();
  log.info(buffer_text(fd, Buffer::receive, socket.receive_buffer, limits));
  log.info(buffer_text(fd, Buffer::send, socket.send_buffer, limits));
  if (!tcp) return log_unix_backlog(log, listen.backlog, limits);
  log_tcp_backlog(log, listen.backlog, fd, limits);
  log.info(handshake_text(limits.tcp_synack_retries));
}

void log_options(Logger& log, int fd, const ListenOptions& listen, const SocketOptions& socket,
                 const KernelLimits& limits) {
  if (!listen.path.empty()) return;
  log.debug(concat("options: ", switches_text(fd), ", reuse_port ", yes_no(listen.reuse_port), ", keepalive ",
                   yes_no(socket.keepalive)));
  log.debug(concat("connections from here: ", syn_text(fd, limits)));
}

/// Descriptors of a connection: a Unix socket has one more, to end its waits by.
std::size_t descriptors_each(const std::vector<ListenOptions>& listen) {
  return std::any_of(listen.begin(), listen.end(), [](const ListenOptions& entry) { return !entry.path.empty(); }) ? 2
                                                                                                                   : 1;
}

}  // namespace

AcceptedConnection SocketListener::accept() {
  ListenerSet::Accepted accepted = set_.accept();
  if (accepted.error) return {.error = accepted.error};
  try {
    return {.stream = std::make_unique<SocketStream>(std::move(accepted.socket), accepted.peer),
            .peer = accepted.peer,
            .listener = accepted.listener};
  } catch (const std::bad_alloc&) {
    return {.error = std::make_error_code(std::errc::not_enough_memory)};
  } catch (const std::system_error& error) {  // a Unix socket's second descriptor
    return {.error = error.code()};
  }
}

Room SocketListener::start(Logger& log, const ServerConfig& config, std::string_view policy, std::size_t most) const {
  const DescriptorRoom room = make_descriptor_room(most, descriptors_each(config.listen));
  const KernelLimits limits = kernel_limits();
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    const ListenOptions& listen = config.listen[i];
    log.info(concat(listening_text(set_.addresses()[i], listen), ", policy ", policy, ", at most ", room.connections,
                    " connections"));
    log_socket(log, set_.native_handle(i), listen, config.socket, limits);
  }
  log_descriptors(log, room, most);
  if (!log.enabled(LogLevel::debug)) return {room.connections, room.lingering};
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    log_options(log, set_.native_handle(i), config.listen[i], config.socket, limits);
  }
  log.debug(timeouts_text(config.timeouts));
  return {room.connections, room.lingering};
}

}  // namespace socketserver::detail
