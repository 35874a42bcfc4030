// What the accept loop does when there is no room.

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/holding_handler.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

TEST_CASE("with no room the pool queues, then accepting waits") {
  ServerConfig config = local_config(PolicyKind::pool);
  config.concurrency.threads = 2;
  config.concurrency.queue = 1;
  RunningServer<HoldingServer> running(config);
  std::vector<Client> clients;
  for (int i = 0; i < 5; ++i) clients.emplace_back(running.address());
  CHECK(clients[0].recv_line() == "in\n");
  CHECK(clients[1].recv_line() == "in\n");
  CHECK(eventually([&] { return running.server.stats().waits == 1; }));
  CHECK(running.server.stats().accepted == 3);
  CHECK(running.server.stats().queued == 1);
  clients[0].close();
  CHECK(clients[2].recv_line() == "in\n");
  clients[1].close();
  CHECK(clients[3].recv_line() == "in\n");
  clients[2].close();
  CHECK(clients[4].recv_line() == "in\n");
  clients.clear();
  CHECK(eventually([&] { return running.server.stats().served == 5; }));
}

TEST_CASE("with no room and overflow reject, the excess gets the message and is counted") {
  const auto policy = GENERATE(from_range(kConcurrentPolicies));
  ServerConfig config = local_config(policy);
  config.limits.max_connections = 3;
  config.concurrency.overflow = Overflow::reject;
  config.concurrency.reject_message = "come back later\n";
  RunningServer<HoldingServer> running(config);
  std::vector<Client> inside;
  for (int i = 0; i < 3; ++i) {
    inside.emplace_back(running.address());
    CHECK(inside.back().recv_line() == "in\n");
  }
  for (int i = 0; i < 10; ++i) CHECK(Client(running.address()).recv_all() == "come back later\n");
  CHECK(eventually([&] { return running.server.stats().rejected == 10; }));
  CHECK(running.server.stats().active == 3);
  inside.clear();
  CHECK(eventually([&] { return running.server.stats().served == 3; }));
  CHECK(adds_up(running.server.stats()));
  Client again(running.address());
  CHECK(again.recv_line() == "in\n");
}

TEST_CASE("a client that is turned away and does not read its message delays no other client") {
  ServerConfig config = local_config(GENERATE(from_range(kConcurrentPolicies)));
  config.limits.max_connections = 1;
  config.concurrency.overflow = Overflow::reject;
  config.concurrency.reject_message = std::string(8 << 20, 'x');  // more than the kernel takes
  config.timeouts.write.reset();                                  // which would bound a wait for it
  config.socket.send_buffer = 4096;
  RunningServer<HoldingServer> running(config);
  Client inside(running.address());
  CHECK(inside.recv_line() == "in\n");
  const Client deaf(running.address(), 4096);
  Client next(running.address());
  CHECK(next.recv(1) == "x");
  CHECK(eventually([&] { return running.server.stats().rejected == 2; }));
}

TEST_CASE("max_connections is exact under overflow wait") {
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.limits.max_connections = 2;
  RunningServer<HoldingServer> running(config);
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(running.address());
  CHECK(clients[0].recv_line() == "in\n");
  CHECK(clients[1].recv_line() == "in\n");
  CHECK(eventually([&] { return running.server.stats().waits == 1; }));
  CHECK(running.server.stats().accepted == 2);
  clients[1].close();
  CHECK(clients[2].recv_line() == "in\n");
  CHECK(eventually([&] { return running.server.stats().waits == 2; }));
  CHECK(running.server.stats().active == 2);
}
