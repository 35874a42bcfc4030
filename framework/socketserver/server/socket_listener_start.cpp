#include <socketserver/server/socket_listener.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <socketserver/base/text.hpp>
#include <socketserver/net/descriptor_room.hpp>
#include <socketserver/net/kernel_limits.hpp>
#include <socketserver/net/socket_texts.hpp>
#include <utility>

namespace socketserver::detail {
namespace {

std::string timeouts_text(const TimeoutsConfig& timeouts) {
  return concat("I/O timeouts: idle ", timeout_text(timeouts.idle), ", read ", timeout_text(timeouts.read), ", write ",
                timeout_text(timeouts.write), ", lifetime ", timeout_text(timeouts.lifetime));
}

/// A warning where the kernel has cut what was asked for.
void log_backlog(Logger& log, std::optional<int> asked, int listener, const KernelLimits& limits) {
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

}  // namespace

Room SocketListener::start(Logger& log, const ServerConfig& config, std::string_view policy, std::size_t most) const {
  const DescriptorRoom room = make_descriptor_room(most);
  const KernelLimits limits = kernel_limits();
  const int fd = acceptor_.native_handle();
  log.info(concat("listening on ", acceptor_.address().to_string(), ", policy ", policy, ", at most ", room.connections,
                  " connections"));
  log.info(buffer_text(fd, Buffer::receive, config.socket.receive_buffer, limits));
  log.info(buffer_text(fd, Buffer::send, config.socket.send_buffer, limits));
  log_backlog(log, config.listen.backlog, fd, limits);
  log.info(handshake_text(limits.tcp_synack_retries));
  log_descriptors(log, room, most);
  if (!log.enabled(LogLevel::debug)) return {room.connections, room.lingering};
  log.debug(concat("options: ", switches_text(fd), ", reuse_port ", yes_no(config.listen.reuse_port), ", keepalive ",
                   yes_no(config.socket.keepalive)));
  log.debug(timeouts_text(config.timeouts));
  log.debug(concat("connections from here: ", syn_text(fd, limits)));
  return {room.connections, room.lingering};
}

}  // namespace socketserver::detail
