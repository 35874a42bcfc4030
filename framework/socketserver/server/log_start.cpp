#include <socketserver/server/detail/base_server_impl.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <socketserver/base/text.hpp>
#include <socketserver/net/kernel_limits.hpp>

namespace socketserver {
namespace {

std::string number_text(std::optional<std::int64_t> number) { return number ? std::to_string(*number) : "unknown"; }

std::string policy_text(const ConcurrencyConfig& config) {
  const std::string_view name = to_string(config.policy);
  if (config.policy == PolicyKind::fiber) {
    return concat(name, " of ", config.threads, " loops and stacks of ", config.stack_size, " bytes");
  }
  if (config.policy != PolicyKind::pool) return std::string(name);
  return concat(name, " of ", config.threads, " threads and a queue of ", config.queue);
}

std::string buffer_text(std::string_view what, std::optional<int> asked, std::optional<int> granted,
                        std::optional<KernelLimits::BufferSizes> tuned, std::string_view knob) {
  if (asked) return concat(what, " buffer: asked ", *asked, ", granted ", number_text(granted), " bytes");
  if (!tuned) return concat(what, " buffer: the kernel's choice");
  return concat(what, " buffer: the kernel's choice, from ", (*tuned)[1], " up to ", (*tuned)[2], " bytes (", knob,
                ")");
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
  log.info(buffer_text("receive", config.socket.receive_buffer, get_option(fd, SOL_SOCKET, SO_RCVBUF), limits.tcp_rmem,
                       "tcp_rmem"));
  log.info(buffer_text("send", config.socket.send_buffer, get_option(fd, SOL_SOCKET, SO_SNDBUF), limits.tcp_wmem,
                       "tcp_wmem"));
  log.info(backlog_text(config, acceptor, limits));
  log.info(handshake_text(limits.tcp_synack_retries));
  log.info(concat("descriptors: at most ", number_text(limits.descriptors)));
}

}  // namespace socketserver
