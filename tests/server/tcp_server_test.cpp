// The same handler under every policy.

#include <atomic>
#include <functional>
#include <future>
#include <socketserver/base/text.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <string>
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

TEST_CASE("the same handler serves under every policy, named by the configuration") {
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<UpperServer> running(local_config(policy));
  for (int i = 0; i < 3; ++i) {
    Client client(running.address());
    CHECK(client.ask("hello\n") == "HELLO\n");
    CHECK(client.ask("world\n") == "WORLD\n");
    client.half_close();
    CHECK(client.recv_all().empty());
  }
  CHECK(eventually([&] { return running.server.stats().served == 3; }));
  const ServerStats stats = running.server.stats();
  CHECK(stats.bytes_in == 36);
  CHECK(stats.bytes_out == 36);
  CHECK(adds_up(stats));
}

TEST_CASE("a policy named at compile time wins over the configuration's") {
  RunningServer<ThreadingTCPServer<UpperCaseHandler>> threads(local_config(PolicyKind::inline_));
  CHECK(threads.server.config().concurrency.policy == PolicyKind::thread);
  RunningServer<PoolTCPServer<UpperCaseHandler>> pool(local_config(PolicyKind::inline_));
  CHECK(pool.server.config().concurrency.policy == PolicyKind::pool);
  RunningServer<InlineTCPServer<UpperCaseHandler>> one(local_config());
  CHECK(one.server.config().concurrency.policy == PolicyKind::inline_);
  RunningServer<FiberTCPServer<UpperCaseHandler>> fibers(local_config());
  CHECK(fibers.server.config().concurrency.policy == PolicyKind::fiber);
  for (const auto& address : {threads.address(), pool.address(), one.address(), fibers.address()}) {
    Client client(address);
    CHECK(client.ask("x\n") == "X\n");
  }
}

TEST_CASE("200 clients at once are served by threads, by a pool and by fibers") {
  const auto policy = GENERATE(from_range(kConcurrentPolicies));
  ServerConfig config = local_config(policy);
  config.concurrency.threads = policy == PolicyKind::pool ? 200 : policy.threads;
  RunningServer<UpperServer> running(config);
  std::vector<Client> clients;
  for (int i = 0; i < 200; ++i) clients.emplace_back(running.address());
  for (int i = 0; i < 200; ++i) clients[static_cast<std::size_t>(i)].send("client " + std::to_string(i) + "\n");
  for (int i = 0; i < 200; ++i) {
    CHECK(clients[static_cast<std::size_t>(i)].recv_line() == "CLIENT " + std::to_string(i) + "\n");
  }
  CHECK(running.server.stats().active == 200);
  clients.clear();
  CHECK(eventually([&] { return running.server.stats().served == 200; }));
  CHECK(adds_up(running.server.stats()));
}

TEST_CASE("more clients than workers wait their turn") {
  ServerConfig config = local_config(PolicyKind::pool);
  config.concurrency.threads = 4;
  config.concurrency.queue = 8;
  RunningServer<UpperServer> running(config);
  std::vector<std::future<std::string>> answers;
  for (int i = 0; i < 200; ++i) {
    answers.push_back(std::async(std::launch::async, [address = running.address()] {
      Client client(address);
      const std::string answer = client.ask("hello\n");
      client.half_close();
      return answer + client.recv_all();
    }));
  }
  for (auto& answer : answers) CHECK(answer.get() == "HELLO\n");
  CHECK(eventually([&] { return running.server.stats().served == 200; }));
  const ServerStats stats = running.server.stats();
  CHECK(stats.rejected == 0);
  CHECK(adds_up(stats));
}

TEST_CASE("16 pipelined lines are answered in one send") {
  // Counted by the peer: with nodelay, what arrives in one segment was sent in one piece.
  RunningServer<UpperServer> running(local_config(GENERATE(from_range(kUnboundedPolicies))));
  Client client(running.address());
  std::string sixteen;
  for (int i = 0; i < 16; ++i) sixteen += "line " + std::to_string(i) + "\n";
  client.send(sixteen);
  CHECK(client.recv() == upper(sixteen));
}

TEST_CASE("constructor arguments reach every handler, shared or copied") {
  class CountingHandler : public BaseRequestHandler {
   public:
    static bool speaks_first() { return true; }
    CountingHandler(std::atomic<int>& count, std::string greeting) : count_(count), greeting_(std::move(greeting)) {}

   protected:
    void handle() override { request().sendall(greeting_ + std::to_string(++count_)); }

   private:
    std::atomic<int>& count_;
    std::string greeting_;
  };
  std::atomic<int> count{0};
  RunningServer<TCPServer<CountingHandler>> running(local_config(), std::ref(count), "number ");
  for (int i = 1; i <= 3; ++i) CHECK(Client(running.address()).recv_all() == "number " + std::to_string(i));
  CHECK(count == 3);
}

TEST_CASE("a handler knows its client and its server, and what the configuration has for it") {
  class AskingHandler : public BaseRequestHandler {
   public:
    static bool speaks_first() { return true; }

   protected:
    void handle() override { request().sendall(client_address().to_string() + server().config().app); }
  };
  ServerConfig config = local_config();
  config.app = R"({"greeting":"hi"})";
  RunningServer<TCPServer<AskingHandler>> running(config);
  Client client(running.address());
  CHECK(client.recv_all() == local_address(client.native_handle()).to_string() + R"({"greeting":"hi"})");
}
