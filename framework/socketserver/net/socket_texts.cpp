#include <socketserver/net/socket_texts.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <socketserver/base/text.hpp>
#include <socketserver/net/socket_options.hpp>

namespace socketserver::detail {

std::string_view yes_no(std::optional<int> value) { return !value ? "unknown" : *value != 0 ? "yes" : "no"; }

std::string number_text(std::optional<std::int64_t> number) { return number ? std::to_string(*number) : "unknown"; }

std::string timeout_text(std::optional<Duration> timeout) {
  if (!timeout) return "none";
  return seconds_text(std::chrono::duration<double>(std::chrono::round<std::chrono::milliseconds>(*timeout)).count());
}

std::string buffer_text(int fd, Buffer which, std::optional<int> asked, const KernelLimits& limits) {
  const bool receive = which == Buffer::receive;
  const std::string what = receive ? "receive buffer: " : "send buffer: ";
  if (asked) {
    const std::optional<int> granted = get_option(fd, SOL_SOCKET, receive ? SO_RCVBUF : SO_SNDBUF);
    return concat(what, "asked ", *asked, ", granted ", number_text(granted), " bytes (",
                  receive ? "rmem_max " : "wmem_max ", number_text(receive ? limits.rmem_max : limits.wmem_max), ")");
  }
  const auto& tuned = receive ? limits.tcp_rmem : limits.tcp_wmem;
  if (!tuned) return concat(what, "the kernel's choice");
  return concat(what, "the kernel's choice, from ", (*tuned)[1], " up to ", (*tuned)[2], " bytes (",
                receive ? "tcp_rmem" : "tcp_wmem", ")");
}

std::string switches_text(int fd) {
  return concat("reuse_address ", yes_no(get_option(fd, SOL_SOCKET, SO_REUSEADDR)), ", nodelay ",
                yes_no(get_option(fd, IPPROTO_TCP, TCP_NODELAY)));
}

std::string syn_text(int fd, const KernelLimits& limits) {
  const std::optional<int> retries = get_option(fd, IPPROTO_TCP, TCP_SYNCNT);
  if (!retries) return "SYN retries: unknown";
  const std::int64_t linear = limits.tcp_syn_linear_timeouts.value_or(0);
  return concat("SYN retries: ", *retries, ", so the kernel gives up after ", connect_timeout(*retries, linear).count(),
                " s (tcp_syn_linear_timeouts ", linear, ")");
}

}  // namespace socketserver::detail
