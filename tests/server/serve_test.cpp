// Serving: the same handler under every policy, many clients, limits and counters.

#include <sys/resource.h>

#include <future>
#include <socketserver/base/sanitizers.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/no_threads.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

using UpperServer = TCPServer<UpperCaseHandler>;

/// Holds each connection until its peer closes, having sent "in" first.
class HoldingHandler : public BaseRequestHandler {
 public:
  static bool speaks_first() { return true; }

 protected:
  void handle() override {
    request().sendall("in\n");
    while (!request().recv(100).empty()) {
    }
  }
};
using HoldingServer = TCPServer<HoldingHandler>;

bool adds_up(const ServerStats& s) { return s.accepted == s.active + s.served + s.rejected + s.timed_out + s.failed; }

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

TEST_CASE("under overflow wait a pool's queue is bounded also for those who begin to speak at once") {
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

TEST_CASE("a client that is turned away and does not read its message holds nobody up") {
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

TEST_CASE("a client that sends nothing is closed at the idle clock") {
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.timeouts.idle = 30ms;
  RunningServer<UpperServer> running(config);
  CHECK(Client(running.address()).recv_all().empty());
  CHECK(eventually([&] { return running.server.stats().timed_out == 1; }));
  CHECK(adds_up(running.server.stats()));
}

TEST_CASE("a client that stops in the middle of a line is closed at the read clock") {
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.timeouts.read = 30ms;
  RunningServer<UpperServer> running(config);
  Client client(running.address());
  client.send("a");
  CHECK(client.recv_all().empty());
  CHECK(eventually([&] { return running.server.stats().timed_out == 1; }));
}

TEST_CASE("a client that drips is not saved by it") {
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.timeouts.idle = 60s;  // only the read clock can end this connection
  config.timeouts.read = 30ms;
  RunningServer<UpperServer> running(config);
  Client client(running.address());
  CHECK(eventually([&] {
    try {
      client.send("a");
    } catch (const std::system_error&) {  // closed by the server
    }
    return running.server.stats().timed_out == 1;
  }));
}

TEST_CASE("a peer that never reads is closed at the write clock") {
  class Flood : public BaseRequestHandler {
   protected:
    void handle() override { request().sendall(std::string(64 << 20, 'x')); }
  };
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.timeouts.write = 30ms;
  RunningServer<TCPServer<Flood>> running(config);
  Client client(running.address());
  CHECK(eventually([&] { return running.server.stats().timed_out == 1; }));
  // Reset, so that nothing unsent stays in the kernel without an owner: after what has arrived comes no end, but an
  // error.
  try {
    (void)client.recv_all();
    FAIL("closed politely");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::connection_reset);
  }
}

TEST_CASE("what a peer has not read at the end of lingering does not stay in the kernel") {
  class Reply : public BaseRequestHandler {
   protected:
    void handle() override { (void)request().try_sendall(std::string(1 << 20, 'x')); }
  };
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.socket.send_buffer = 4 << 20;  // takes the reply whole
  config.timeouts.linger = 20ms;
  RunningServer<TCPServer<Reply>> running(config);
  Client client(running.address(), 4096);
  CHECK(eventually([&] {
    const ServerStats stats = running.server.stats();
    return stats.served == 1 && stats.lingering == 0;
  }));
  CHECK_THROWS_AS(client.recv_all(), std::system_error);
}

TEST_CASE("a connection ends at its lifetime, however busy") {
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.timeouts.lifetime = 50ms;
  RunningServer<UpperServer> running(config);
  Client client(running.address());
  const auto ask_until_closed = [&client] {
    while (client.ask("x\n") == "X\n") {
    }
  };
  try {
    ask_until_closed();
  } catch (const std::system_error&) {  // the last request met a closed connection
  }
  CHECK(eventually([&] { return running.server.stats().timed_out == 1; }));
}

TEST_CASE("a gigabyte without a newline costs max_line of memory, and that connection") {
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.limits.max_line = 100'000;
  config.socket.receive_buffer = 65536;
  RunningServer<UpperServer> running(config);
  Client client(running.address());
  const std::string block(1 << 20, 'a');
  const auto peak_kib = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const auto before = peak_kib();
  try {
    for (int i = 0; i < 1024; ++i) client.send(block);  // what comes after the error is dropped while it lingers
  } catch (const std::system_error& error) {
    CHECK((error.code() == std::errc::connection_reset || error.code() == std::errc::broken_pipe));
  }
  CHECK(eventually([&] { return running.server.stats().failed == 1; }));
#ifdef SOCKETSERVER_TSAN
  constexpr long kMostKib = 65536;  // its own memory is among that
#else
  constexpr long kMostKib = 4096;
#endif
  CHECK(peak_kib() - before < kMostKib);
  CHECK(running.server.stats().bytes_in <= 2 * 100'000);
  Client next(running.address());
  CHECK(next.ask("x\n") == "X\n");
}

TEST_CASE("a reply of a mebibyte followed by a close arrives whole although input was left unread") {
  class BigReplyHandler : public BaseRequestHandler {
   protected:
    void handle() override {
      (void)request().recv(1);
      request().sendall(std::string(1 << 20, 'r'));
    }
  };
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<TCPServer<BigReplyHandler>> running(local_config(policy));
  Client client(running.address());
  client.send(std::string(100'000, 'q'));
  CHECK(client.recv_all() == std::string(1 << 20, 'r'));
  CHECK(eventually([&] { return running.server.stats().served == 1; }));
}

TEST_CASE("without lingering the same close destroys the reply: what linger is for") {
  class BigReplyHandler : public BaseRequestHandler {
   protected:
    void handle() override {
      (void)request().recv(1);
      request().sendall(std::string(1 << 20, 'r'));
    }
  };
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.timeouts.linger.reset();
  config.socket.send_buffer = 4 << 20;
  RunningServer<TCPServer<BigReplyHandler>> running(config);
  Client client(running.address());
  client.send(std::string(100'000, 'q'));
  CHECK(eventually([&] { return running.server.stats().served == 1; }));
  CHECK_THROWS_AS(client.recv_all(), std::system_error);
}

TEST_CASE("a lingering connection is closed at the linger time and holds no worker") {
  ServerConfig config = local_config(PolicyKind::pool);
  config.concurrency.threads = 1;
  config.timeouts.linger = 50ms;
  class OneLineHandler : public StreamRequestHandler {
   protected:
    void handle() override { wfile().write(*rfile().readline()); }
  };
  RunningServer<TCPServer<OneLineHandler>> running(config);
  std::vector<Client> lingering;
  for (int i = 0; i < 20; ++i) {  // none of these closes, and the only worker serves them all
    lingering.emplace_back(running.address());
    CHECK(lingering.back().ask("x\n") == "x\n");
    CHECK(lingering.back().recv().empty());
  }
  for (Client& client : lingering) {
    CHECK(eventually([&client] {
      try {
        client.send("still here");
        return false;
      } catch (const std::system_error&) {
        return true;
      }
    }));
  }
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

TEST_CASE("a thread that cannot start costs its connection, which is counted") {
  RunningServer<HoldingServer> running(local_config(PolicyKind::thread));
  Client before(running.address());
  CHECK(before.recv_line() == "in\n");
  {
    const NoThreads none;
    CHECK(Client(running.address()).recv_all().empty());
  }
  CHECK(eventually([&] { return running.server.stats().failed == 1; }));
  Client after(running.address());
  CHECK(after.recv_line() == "in\n");
}

TEST_CASE("a fiber without a stack costs its connection, which is counted") {
  ServerConfig config = local_config(PolicyKind::fiber);
  config.concurrency.stack_size = std::size_t{1} << 47U;  // more than there are addresses
  RunningServer<HoldingServer> running(config);
  CHECK(Client(running.address()).recv_all().empty());
  CHECK(eventually([&] { return running.server.stats().failed == 1; }));
  CHECK(adds_up(running.server.stats()));
}

TEST_CASE("a constructor that fails releases everything") {
  const RunningServer<UpperServer> running(local_config());
  ServerConfig taken = local_config();
  taken.listen.port = running.address().port();
  for (int i = 0; i < 50; ++i) CHECK_THROWS_AS(UpperServer(taken), std::system_error);
}
