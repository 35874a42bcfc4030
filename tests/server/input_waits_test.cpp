// Connections of a pool that have not sent their first byte.

#include <algorithm>
#include <atomic>
#include <future>
#include <socketserver/handlers/upper_case.hpp>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/holding_handler.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

using UpperServer = TCPServer<UpperCaseHandler>;

}  // namespace

TEST_CASE("silent clients and those that have gone again keep no worker of a pool, and no place before one") {
  ServerConfig config = local_config(PolicyKind::pool);
  config.concurrency.threads = 2;
  config.concurrency.queue = 3;
  config.concurrency.overflow = GENERATE(Overflow::wait, Overflow::reject);
  RunningServer<UpperServer> running(config);
  std::vector<Client> silent;
  for (int i = 0; i < 20; ++i) silent.emplace_back(running.address());
  for (int i = 0; i < 20; ++i) Client(running.address()).reset();
  CHECK(Client(running.address()).ask("hello\n") == "HELLO\n");
  CHECK(eventually([&] { return running.server.stats().active == 20; }));
  CHECK(silent.back().ask("late\n") == "LATE\n");
  CHECK(silent.front().ask("late\n") == "LATE\n");
  silent[1].half_close();  // asks nothing, and gets nothing
  silent[0].half_close();
  CHECK(silent[1].recv_all().empty());
  CHECK(running.server.stats().failed == 0);
  CHECK(running.server.stats().rejected == 0);
  CHECK(running.server.stats().waits == 0);
  CHECK(running.stop().forced == 0);
  CHECK(running.server.stats().served == 41);
  for (std::size_t i = 2; i < silent.size(); ++i) CHECK(silent[i].recv_all().empty());
}

TEST_CASE("under overflow wait a pool's queue is bounded also for clients that speak all at once") {
  ServerConfig config = local_config(PolicyKind::pool);
  config.concurrency.threads = 2;
  config.concurrency.queue = 4;
  RunningServer<UpperServer> running(config);
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) clients.emplace_back(running.address());
  CHECK(eventually([&] { return running.server.stats().active == 50; }));
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> most{0};
  auto watching = std::async(std::launch::async, [&] {
    while (!over) most = std::max<std::uint64_t>(most, running.server.stats().queued);
  });
  for (Client& client : clients) client.send("word\n");
  CHECK(eventually([&] { return running.server.stats().queued == 4; }));
  for (Client& client : clients) client.half_close();
  for (Client& client : clients) CHECK(client.recv_all() == "WORD\n");
  over = true;
  watching.get();
  CHECK(most <= 6);  // the next one is queued before the worker that ended the last one is free
  CHECK(running.stop().forced == 0);
  CHECK(running.server.stats().served == 50);
}

TEST_CASE("what came before a reset is read, also where it waited for a worker of a pool") {
  RunningServer<UpperServer> running(local_config(GENERATE(from_range(kConcurrentPolicies))));
  for (int i = 0; i < 20; ++i) {
    Client client(running.address());
    client.send("word\n");
    client.reset();
  }
  CHECK(eventually([&] { return running.server.stats().bytes_in == 100; }));
  CHECK(eventually([&] { return running.server.stats().active == 0; }));
}

TEST_CASE("under a pool whose workers are taken a silent client ends at its idle clock, one that speaks waits") {
  ServerConfig config = local_config(PolicyKind::pool);
  config.concurrency.threads = 1;
  config.timeouts.idle = 500ms;
  config.timeouts.read.reset();
  RunningServer<UpperServer> running(config);
  Client holder(running.address());
  CHECK(holder.ask("in\nand a part of a line") == "IN\n");
  Client speaker(running.address());
  speaker.send("late\n");
  CHECK(Client(running.address()).recv_all().empty());
  CHECK(eventually([&] { return running.server.stats().timed_out == 1; }));
  CHECK(running.server.stats().queued == 1);
  CHECK(running.server.stats().active == 2);
  holder.close();
  CHECK(speaker.recv_line() == "LATE\n");
  CHECK(running.stop().forced == 0);
  CHECK(adds_up(running.server.stats()));
}
