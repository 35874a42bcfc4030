// What a server's peers share, as budgets() shows it.

#include <algorithm>
#include <socketserver/concurrency/offload.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/server/tcp_server.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/event.hpp"
#include "support/eventually.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;
using namespace std::chrono_literals;

namespace {

Budget budget(const BaseServer& server, std::string_view name) {
  const std::vector<Budget> all = server.budgets();
  const auto found = std::find_if(all.begin(), all.end(), [name](const Budget& each) { return each.name == name; });
  REQUIRE(found != all.end());
  return *found;
}

/// Holds the offloaded call of each line until the event is set.
class CallingHandler : public StreamRequestHandler {
 public:
  explicit CallingHandler(Event& over) : over_(over) {}

 protected:
  void handle() override {
    while (rfile().readline()) offload([this] { over_.wait(); });
  }

 private:
  Event& over_;
};

}  // namespace

TEST_CASE("budgets name what peers share, with what is taken and the configured limit") {
  ServerConfig config = local_config(GENERATE(from_range(kConcurrentPolicies)));
  config.limits.max_connections = 7;
  RunningServer<TCPServer<UpperCaseHandler>> running(config);
  CHECK(budget(running.server, "connections").limit == 7);
  CHECK(budget(running.server, "connections").used == 0);
  std::vector<Client> clients;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    clients.emplace_back(running.address());
    CHECK(clients.back().ask("x\n") == "X\n");
    CHECK(budget(running.server, "connections").used == n);
  }
  const Budget descriptors = budget(running.server, "descriptors");
  CHECK(descriptors.used >= 6);  // both ends
  CHECK(descriptors.used < descriptors.limit);
  CHECK(budget(running.server, "look-ups").limit == 16);
  CHECK(budget(running.server, "kernel TCP pages").limit > 0);
  CHECK(to_string(running.server.budgets()).starts_with("connections 3 of 7, "));
}

TEST_CASE("the queue of a pool is a budget: what waits for a worker has taken it") {
  ServerConfig config = local_config(PolicyKind::pool);
  config.concurrency.threads = 1;
  config.concurrency.queue = 5;
  RunningServer<TCPServer<UpperCaseHandler>> running(config);
  Client first(running.address());
  CHECK(first.ask("x\n") == "X\n");
  Client second(running.address());
  second.send("y\n");
  CHECK(eventually([&] { return budget(running.server, "queue").used == 1; }));
  CHECK(budget(running.server, "queue").limit == 5);
  first.close();
  CHECK(second.recv_line() == "Y\n");
  CHECK(budget(running.server, "queue").used == 0);
}

TEST_CASE("connections that linger are in their budget until they end") {
  ServerConfig config = local_config();
  config.timeouts.linger = 60s;
  config.limits.max_line = 10;
  RunningServer<TCPServer<UpperCaseHandler>> running(config);
  Client client(running.address());
  client.send("a line that is too long\n");
  CHECK(client.recv_all().empty());
  CHECK(eventually([&] { return budget(running.server, "lingering").used == 1; }));
  CHECK(budget(running.server, "lingering").limit >= 1);
  CHECK(budget(running.server, "network lines").used <= budget(running.server, "network lines").limit);
  client.close();
  CHECK(eventually([&] { return budget(running.server, "lingering").used == 0; }));
}

TEST_CASE("offloaded calls of fibers are a budget") {
  Event over;
  RunningServer<TCPServer<CallingHandler>> running(local_config({PolicyKind::fiber, 2}), std::ref(over));
  Client client(running.address());
  client.send("x\n");
  CHECK(eventually([&] { return budget(running.server, "offloaded calls").used == 1; }));
  CHECK(budget(running.server, "offloaded calls").limit == 64);
  over.set();
  CHECK(eventually([&] { return budget(running.server, "offloaded calls").used == 0; }));
}
