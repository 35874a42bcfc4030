// What a drain completes, and what it ends.

#include <atomic>
#include <functional>
#include <future>
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
