#include <socketserver/server/detail/base_server_impl.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <socketserver/base/text.hpp>
#include <socketserver/net/detail/socket_texts.hpp>
#include <socketserver/net/kernel_limits.hpp>

namespace socketserver {
namespace {

using detail::number_text;
using detail::timeout_text;
using detail::yes_no;

std::string timeouts_text(const TimeoutsConfig& timeouts) {
  return concat("I/O timeouts: idle ", timeout_text(timeouts.idle), ", read ", timeout_text(timeouts.read), ", write ",
                timeout_text(timeouts.write), ", lifetime ", timeout_text(timeouts.lifetime));
}

std::string policy_text(const ConcurrencyConfig& config) {
  const std::string_view name = to_string(config.policy);
  if (config.policy == PolicyKind::fiber) {
    return concat(name, " of ", config.threads, " loops and stacks of ", config.stack_size, " bytes");
  }
  if (config.policy != PolicyKind::pool) return std::string(name);
  return concat(name, " of ", config.threads, " threads and a queue of ", config.queue);
}

std::string backlog_text(const ServerConfig& config, const Acceptor& acceptor, const KernelLimits& limits) {
  tcp_info info{};
  socklen_t length = sizeof info;
  // For a listening socket tcpi_sacked is the backlog in force. Source: ss(8).
  const bool known = ::getsockopt(acceptor.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &length) == 0;
  return concat("backlog: asked ", config.listen.backlog ? number_text(*config.listen.backlog) : "the most",
                ", granted ", known ? number_text(info.tcpi_sacked) : "unknown", " (somaxconn ",
                number_text(limits.somaxconn), ", tcp_max_syn_backlog ", number_text(limits.tcp_max_syn_backlog), ")");
}

std::string handshake_text(std::optional<std::int64_t> retries) {
  if (!retries) return "handshakes: tcp_synack_retries unknown";
  return concat("handshakes: given up after ", handshake_timeout(*retries).count(), " s (tcp_synack_retries ", *retries,
                ")");
}

}  // namespace

void log_start(Logger& log, const ServerConfig& config, const Acceptor& acceptor) {
  const KernelLimits limits = kernel_limits();
  const int fd = acceptor.native_handle();
  log.info(concat("listening on ", acceptor.address().to_string(), ", policy ", policy_text(config.concurrency),
                  ", at most ", config.limits.max_connections, " connections"));
  log.info(detail::buffer_text(fd, detail::Buffer::receive, config.socket.receive_buffer, limits));
  log.info(detail::buffer_text(fd, detail::Buffer::send, config.socket.send_buffer, limits));
  log.info(backlog_text(config, acceptor, limits));
  log.info(handshake_text(limits.tcp_synack_retries));
  log.info(concat("descriptors: at most ", number_text(limits.descriptors)));
  if (!log.enabled(LogLevel::debug)) return;
  log.debug(concat("options: ", detail::switches_text(fd), ", reuse_port ", yes_no(config.listen.reuse_port),
                   ", keepalive ", yes_no(config.socket.keepalive)));
  log.debug(timeouts_text(config.timeouts));
  log.debug(concat("connections from here: ", detail::syn_text(fd, limits)));
}

}  // namespace socketserver
