// The client of docs/kernel.md.

#include <socketserver/net/kernel_limits.hpp>
#include <socketserver/socketserver.hpp>

#include <cstdlib>
#include <iostream>

namespace ss = socketserver;

/// Leaves it to the kernel how long to try, in SYNs rather than seconds.
int try_server(const std::string& host, std::uint16_t port, int retries) {
  const auto linear = ss::kernel_limits().tcp_syn_linear_timeouts.value_or(0);
  std::cout << "at most " << ss::connect_timeout(retries, linear).count() << " s for each address\n";
  try {
    const ss::SocketStream stream =
        ss::create_connection(host, port, {.connect_timeout = std::nullopt, .syn_retries = retries});
    std::cout << "connected to " << stream.peer_address().to_string() << '\n';
    return 0;
  } catch (const ss::TimeoutError& error) {
    std::cout << "not answered: " << error.what() << '\n';
    return 1;
  }
}

int main(int, char** argv) { return try_server(argv[1], static_cast<std::uint16_t>(std::atoi(argv[2])), 1); }
