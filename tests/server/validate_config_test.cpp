#include <chrono>
#include <socketserver/handlers/upper_case.hpp>
#include <stdexcept>

#include "support/catch.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

TEST_CASE("a configuration that no server can have is refused") {
  const auto refused = [](auto change) {
    ServerConfig config = local_config();
    change(config);
    CHECK_THROWS_AS(TCPServer<UpperCaseHandler>(config), std::invalid_argument);
  };
  refused([](ServerConfig& c) { c.concurrency.threads = 0; });
  refused([](ServerConfig& c) { c.limits.max_connections = 0; });
  refused([](ServerConfig& c) { c.limits.max_line = 0; });
  refused([](ServerConfig& c) { c.limits.read_buffer = 0; });
  refused([](ServerConfig& c) { c.timeouts.idle = -1ms; });
  refused([](ServerConfig& c) { c.timeouts.drain = std::chrono::milliseconds::max(); });
  refused([](ServerConfig& c) { c.concurrency.stack_size = 4096; });
  refused([](ServerConfig& c) { c.log.pattern = "{nosuch}"; });
}
