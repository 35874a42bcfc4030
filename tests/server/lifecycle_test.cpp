// Stopping, draining and serving again.

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <socketserver/concurrency/offload.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/event.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

using UpperServer = TCPServer<UpperCaseHandler>;

std::size_t entries(const char* folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Answers one line when the gate opens; says when it has begun.
struct Gate {
  Event begun;
  Event open;
};
class GatedHandler : public StreamRequestHandler {
 public:
  explicit GatedHandler(Gate& gate) : gate_(gate) {}

 protected:
  void handle() override {
    const std::string line(rfile().readline().value_or(""));
    if (line.empty()) return;  // a client that only looked whether it can connect
    gate_.begun.set();
    gate_.open.wait();
    wfile() << line;
  }

 private:
  Gate& gate_;
};

}  // namespace

TEST_CASE("20 servers, each shut down right after its thread starts, all end") {
  const auto policy = GENERATE(from_range(kPolicies));
  for (int i = 0; i < 20; ++i) {
    RunningServer<UpperServer> running(local_config(policy));
    running.server.shutdown();
    running.wait();
  }
}

TEST_CASE("a server can be closed without ever having served") {
  UpperServer server(local_config());
  const SocketAddress address = server.server_address();
  server.server_close();
  CHECK_THROWS_AS(Client(address), std::system_error);
  server.server_close();
}

TEST_CASE("leaving the scope closes the socket, and returns descriptors and threads") {
  { UpperServer warm_up(local_config()); }
  const std::size_t descriptors = entries("/proc/self/fd");
  const std::size_t threads = entries("/proc/self/task");
  SocketAddress address;
  {
    RunningServer<UpperServer> running(local_config());
    address = running.address();
    Client client(address);
    CHECK(client.ask("x\n") == "X\n");
  }
  CHECK_THROWS_AS(Client(address), std::system_error);
  CHECK(entries("/proc/self/fd") <= descriptors);
  CHECK(eventually([&] { return entries("/proc/self/task") <= threads; }));  // seen a moment longer
}

TEST_CASE("a stop requested before serving makes the first serve_forever return, and only that one") {
  UpperServer server(local_config());
  server.shutdown();  // does not wait: nothing serves
  server.shutdown();
  server.serve_forever();
  auto serving = std::async(std::launch::async, [&server] { return server.serve_forever(); });
  CHECK(eventually([&] { return answers(server.server_address()); }));
  server.shutdown();
  serving.get();
}

TEST_CASE("shutdown twice is safe, and does not stop the next serve_forever") {
  RunningServer<UpperServer> running(local_config());
  { CHECK(Client(running.address()).ask("x\n") == "X\n"); }
  running.server.shutdown();
  running.server.shutdown();
  running.wait();
  running.start();
  CHECK(eventually([&] { return answers(running.address()); }));
}

TEST_CASE("shutdown from several threads at the same time ends once") {
  RunningServer<UpperServer> running(local_config());
  { CHECK(Client(running.address()).ask("x\n") == "X\n"); }
  std::vector<std::future<void>> stops;
  for (int i = 0; i < 4; ++i) stops.push_back(std::async(std::launch::async, [&] { running.server.shutdown(); }));
  for (auto& stop : stops) stop.get();
  running.wait();
}

TEST_CASE("a stopped server serves again, at the same address, many times") {
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<UpperServer> running(local_config(policy));
  const SocketAddress address = running.address();
  for (int i = 0; i < 5; ++i) {
    {
      Client client(address);
      CHECK(client.ask("x\n") == "X\n");
    }
    running.stop();
    CHECK_THROWS_AS(Client(address), std::system_error);
    running.start();
    CHECK(eventually([&] {
      try {
        Client probe(address);
        return true;
      } catch (const std::system_error&) {
        return false;
      }
    }));
  }
}

TEST_CASE("an idle client does not hold a stop up, and sees EOF") {
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<UpperServer> running(local_config(policy));
  Client client(running.address());
  CHECK(client.ask("x\n") == "X\n");
  const DrainReport report = running.stop();
  CHECK(report.drained == 1);
  CHECK(report.forced == 0);
  CHECK(client.recv_all().empty());
  CHECK(running.server.stats().served == 1);
}

TEST_CASE("clients that have never sent anything do not hold a stop up") {
  RunningServer<UpperServer> running(local_config(GENERATE(from_range(kUnboundedPolicies))));
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) clients.emplace_back(running.address());
  CHECK(eventually([&] { return running.server.stats().active == 50; }));
  CHECK(running.stop().drained == 50);
}

TEST_CASE("a handler may request the stop: shutdown does not wait for itself there") {
  class StoppingHandler : public BaseRequestHandler {
   public:
    static bool speaks_first() { return true; }

   protected:
    void handle() override {
      server().shutdown();
      request().sendall("stopping\n");
    }
  };
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<TCPServer<StoppingHandler>> running(local_config(policy));
  Client client(running.address());
  CHECK(client.recv_all() == "stopping\n");
  CHECK(running.wait().drained == 1);
  CHECK(running.server.stats().failed == 0);  // an exit request is no error
}

TEST_CASE("a shutdown from what a handler offloads does not wait for the handler") {
  class OffloadingHandler : public StreamRequestHandler {
   protected:
    void handle() override {
      if (!rfile().readline()) return;
      offload([this] { server().shutdown(); });
      wfile() << "stopping\n";
    }
  };
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<TCPServer<OffloadingHandler>> running(local_config(policy));
  Client client(running.address());
  CHECK(client.ask("stop\n") == "stopping\n");
  CHECK(running.wait().forced == 0);
}

TEST_CASE("a request in progress is answered during a drain, and new connections are refused") {
  const auto policy = GENERATE(from_range(kPolicies));
  Gate gate;
  RunningServer<TCPServer<GatedHandler>> running(local_config(policy), std::ref(gate));
  Client client(running.address());
  client.send("work\n");
  gate.begun.wait();
  running.server.request_stop();
  if (policy != PolicyKind::inline_) {  // the inline policy's loop is in the handler: they wait, and are refused later
    CHECK(eventually([&] { return refuses(running.address()); }));
  }
  gate.open.set();
  CHECK(client.recv_line() == "work\n");
  CHECK(running.wait().forced == 0);
}

TEST_CASE("half a request at the stop may be completed") {
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<UpperServer> running(local_config(policy));
  Client client(running.address());
  CHECK(client.ask("x\n") == "X\n");
  client.send("beg");
  CHECK(eventually([&] { return running.server.stats().bytes_in == 5; }));
  running.server.request_stop();
  client.send("un\n");
  CHECK(client.recv_line() == "BEGUN\n");
  CHECK(client.recv().empty());
  const DrainReport report = running.wait();
  CHECK(report.drained == 1);
  CHECK(report.forced == 0);
}

TEST_CASE("requests that had arrived when the stop came are answered, on connections not even accepted") {
  const auto policy = GENERATE(from_range(kPolicies));
  UpperServer server(local_config(policy));
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back(server.server_address());
    clients.back().send("one\ntwo\n");
  }
  server.request_stop();
  const DrainReport report = server.serve_forever();
  CHECK(report.drained == 100);
  CHECK(report.forced == 0);
  for (Client& client : clients) CHECK(client.recv_all() == "ONE\nTWO\n");
}

TEST_CASE("the drain deadline shuts down what is still in progress") {
  const auto policy = GENERATE(from_range(kPolicies));
  ServerConfig config = local_config(policy);
  config.timeouts.drain = 50ms;
  RunningServer<UpperServer> running(config);
  Client client(running.address());
  CHECK(client.ask("x\n") == "X\n");
  client.send("never ended");
  CHECK(eventually([&] { return running.server.stats().bytes_in == 13; }));
  const DrainReport report = running.stop();
  CHECK(report.drained == 0);
  CHECK(report.forced == 1);
  CHECK(client.recv_all().empty());  // half a line is no request: it is not answered
  CHECK(running.server.stats().failed == 1);
  CHECK(running.server.stats().active == 0);
}

TEST_CASE("a drain without a deadline waits for the request") {
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.timeouts.drain.reset();
  Gate gate;
  RunningServer<TCPServer<GatedHandler>> running(config, std::ref(gate));
  Client client(running.address());
  client.send("work\n");
  gate.begun.wait();
  running.server.request_stop();
  CHECK_FALSE(running.stopped_within(20ms));
  gate.open.set();
  CHECK(client.recv_all() == "work\n");
  CHECK(running.wait().drained == 1);
}

TEST_CASE("a handler that ignores the end of its connection is named") {
  class StubbornServer : public TCPServer<GatedHandler> {
   public:
    using TCPServer::TCPServer;
    ~StubbornServer() override { server_close(); }
    std::promise<std::size_t> running;

   protected:
    void handle_drain_timeout(std::size_t count) override {
      TCPServer::handle_drain_timeout(count);
      running.set_value(count);
    }
  };
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.timeouts.drain = 1ms;
  Gate gate;
  RunningServer<StubbornServer> running(config, std::ref(gate));
  Client client(running.address());
  client.send("work\n");
  gate.begun.wait();
  running.server.request_stop();
  CHECK(running.server.running.get_future().get() == 1);
  gate.open.set();
  CHECK(running.wait().forced == 1);
}

TEST_CASE("handle_request serves one connection, and a stop ends its wait") {
  const auto policy = GENERATE(from_range(kPolicies));
  UpperServer server(local_config(policy));
  Client client(server.server_address());
  client.send("one\n");
  client.half_close();
  CHECK(server.handle_request());
  CHECK(client.recv_all() == "ONE\n");
  auto waiting = std::async(std::launch::async, [&server] { return server.handle_request(); });
  server.request_stop();
  CHECK_FALSE(waiting.get());
}

TEST_CASE("server_close ends connections that handle_request has left running") {
  UpperServer server(local_config(GENERATE(from_range(kUnboundedPolicies))));
  Client client(server.server_address());
  CHECK(server.handle_request());
  CHECK(client.ask("x\n") == "X\n");
  server.server_close();
  CHECK(client.recv_all().empty());
  CHECK(server.stats().active == 0);
}

TEST_CASE("serving twice at the same time is refused") {
  RunningServer<UpperServer> running(local_config());
  { CHECK(Client(running.address()).ask("x\n") == "X\n"); }
  CHECK_THROWS_AS(running.server.serve_forever(), std::logic_error);
}

TEST_CASE("a stop answers every request that the kernel has received, however little of it was read") {
  class GatedLines : public StreamRequestHandler {
   public:
    explicit GatedLines(Gate& gate) : gate_(gate) {}

   protected:
    void handle() override {
      while (const auto line = rfile().readline()) {
        wfile() << *line;
        gate_.begun.set();
        gate_.open.wait();
      }
    }

   private:
    Gate& gate_;
  };
  ServerConfig config = local_config(GENERATE(from_range(kPolicies)));
  config.limits.read_buffer = 16;
  Gate gate;
  RunningServer<TCPServer<GatedLines>> running(config, std::ref(gate));
  Client client(running.address());
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += "request\n";
  client.send(requests);
  gate.begun.wait();
  CHECK(eventually([&client] { return !has_unsent(client.native_handle()); }));
  running.server.request_stop();  // from here on there is a drain
  CHECK(running.server.stats().bytes_in <= 16);
  gate.open.set();
  CHECK(client.recv_all() == requests);
  CHECK(running.wait().forced == 0);
}

TEST_CASE("a stop under load answers every request that was read") {
  const auto policy = GENERATE(from_range(kConcurrentPolicies));
  ServerConfig config = local_config(policy);
  config.concurrency.threads = 16;
  RunningServer<UpperServer> running(config);
  std::atomic<std::uint64_t> replies{0};
  std::vector<std::future<void>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::async(std::launch::async, [&] {
      Client client(running.address());
      try {
        while (client.ask("hello\n") == "HELLO\n") replies += 6;
      } catch (const std::system_error&) {  // the connection has ended: this request did not arrive
      }
    }));
  }
  CHECK(eventually([&] { return replies > 6000; }));
  CHECK(running.stop().forced == 0);
  for (auto& client : clients) client.get();
  CHECK(running.server.stats().bytes_in == replies);
  CHECK(running.server.stats().bytes_out == replies);
}

namespace {

/// The status that a forked child ends with, or -1 where it had to be killed.
template <class Body>
int status_of_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a server that was made before a fork says so in the child, and its end there waits for nothing") {
  const PolicyKind policy = GENERATE(PolicyKind::inline_, PolicyKind::thread, PolicyKind::pool, PolicyKind::fiber);
  auto server = std::make_unique<UpperServer>(local_config({policy, 2}));
  CHECK(status_of_child([&] {
          try {
            server->serve_forever();
          } catch (const std::logic_error&) {
            try {
              (void)server->handle_request(Deadline::after(1s));
            } catch (const std::logic_error&) {
              server.reset();
              return 7;
            }
          }
          return 1;
        }) == 7);
}

TEST_CASE("a child of a process whose server is serving can end it there, and waits for nothing") {
  const PolicyKind policy = GENERATE(PolicyKind::thread, PolicyKind::pool, PolicyKind::fiber);
  auto server = std::make_unique<UpperServer>(local_config({policy, 2}));
  auto serving = std::async(std::launch::async, [&] { return server->serve_forever(); });
  Client client(server->server_address());
  CHECK(client.ask("served\n") == "SERVED\n");
  CHECK(status_of_child([&] {
          server->request_stop();
          server->shutdown();
          server.reset();
          return 7;
        }) == 7);
  CHECK(client.ask("still\n") == "STILL\n");
  server->request_stop();
  CHECK(serving.get().forced == 0);
}
