// Drains that clients or hooks make difficult. Each case was a bug once.

#include <socketserver/base/text.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <thread>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

using UpperServer = TCPServer<UpperCaseHandler>;

}  // namespace

TEST_CASE("a reply under way at a stop arrives whole, although the peer sends more after it") {
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.limits.max_line = 2 << 20;
  config.socket.send_buffer = 2 << 20;
  config.timeouts.linger = 10s;
  RunningServer<UpperServer> running(config);
  Client client(running.address());
  const std::string line = std::string(1'000'000, 'a') + "\n";
  client.send(line);
  CHECK(eventually([&] { return running.server.stats().bytes_out == line.size(); }));
  running.server.request_stop();
  client.send("next\n");  // to a connection whose reading direction the drain has shut down
  CHECK(client.recv_line() == upper(line));
  const std::string rest = client.recv_all();
  CHECK((rest.empty() || rest == "NEXT\n"));  // served if it came before the handler had woken up
  CHECK(running.wait().forced == 0);
}

TEST_CASE("a client that never stops sending requests does not hold the drain up") {
  RunningServer<UpperServer> running(local_config(GENERATE(from_range(kUnboundedPolicies))));
  Client client(running.address());
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "x\n";
  auto sending = std::async(std::launch::async, [&] {
    try {
      for (;;) client.send(lines);
    } catch (const std::system_error&) {  // the server has closed
    }
  });
  auto reading = std::async(std::launch::async, [&] {
    try {
      while (!client.recv().empty()) {
      }
    } catch (const std::system_error&) {
    }
  });
  CHECK(eventually([&] { return running.server.stats().bytes_in > 100'000; }));
  const DrainReport report = running.stop();
  CHECK(report.drained == 1);
  CHECK(report.forced == 0);
}

TEST_CASE("a connection ends at its lifetime although data is always there") {
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.timeouts.lifetime = 100ms;
  config.timeouts.linger.reset();
  class Sink : public StreamRequestHandler {
   protected:
    void handle() override {
      while (rfile().readline()) {
      }
    }
  };
  RunningServer<TCPServer<Sink>> running(config);
  Client client(running.address());
  const std::string lines(100'000, '\n');
  CHECK_THROWS_AS(
      [&] {
        for (const Deadline end = Deadline::after(10s); !end.expired();) client.send(lines);
      }(),
      std::system_error);
  CHECK(eventually([&] { return running.server.stats().timed_out == 1; }));
}

TEST_CASE("new clients are refused during a drain also when there was no room") {
  ServerConfig config = local_config(PolicyKind::pool);
  config.concurrency.threads = 1;
  config.concurrency.queue = 0;
  RunningServer<UpperServer> running(config);
  Client client(running.address());
  CHECK(client.ask("x\n") == "X\n");
  client.send("beg");
  CHECK(eventually([&] { return running.server.stats().bytes_in == 5; }));
  Client waiting(running.address());  // in the kernel's queue: it has arrived, so it is served
  waiting.send("waited\n");
  running.server.request_stop();
  CHECK(eventually([&] { return refuses(running.address()); }));
  client.send("un\n");
  CHECK(client.recv_line() == "BEGUN\n");
  CHECK(waiting.recv_all() == "WAITED\n");
  CHECK(running.wait().forced == 0);
}

TEST_CASE("a hook may request the stop by shutdown, which does not wait there") {
  class StoppingServer : public UpperServer {
   public:
    StoppingServer(ServerConfig config, std::string place) : UpperServer(std::move(config)), place_(std::move(place)) {}
    ~StoppingServer() override { server_close(); }

   protected:
    bool verify_request(Request&) override { return stop_at("verify_request"); }
    void process_request(Request& request) override {
      if (place_ == "process_request") return stop_at(place_), finish_request(request);
      UpperServer::process_request(request);
    }
    void close_request(Request& request) override {
      stop_at("close_request");
      UpperServer::close_request(request);
    }
    void service_actions() override { stop_at("service_actions"); }

   private:
    bool stop_at(const std::string& place) {
      if (place == place_) shutdown();
      if (place == place_) server_close();
      return true;
    }
    std::string place_;
  };
  const auto policy = GENERATE(from_range(kPolicies));
  const std::string place = GENERATE("verify_request", "process_request", "close_request", "service_actions");
  CAPTURE(place);
  RunningServer<StoppingServer> running(local_config(policy), place);
  Client client(running.address());
  client.half_close();
  CHECK(client.recv_all().empty());
  running.wait();
}

TEST_CASE("a stop ends handle_request's wait also after serve_forever has run") {
  UpperServer server(local_config());
  server.request_stop();
  server.serve_forever();
  auto waiting = std::async(std::launch::async, [&server] { return server.handle_request(Deadline::after(20s)); });
  CHECK(eventually([&] {
    server.request_stop();  // again and again, since one before the wait has begun does nothing
    return waiting.wait_for(1ms) == std::future_status::ready;
  }));
  CHECK_FALSE(waiting.get());
}

TEST_CASE("a forced server_close leaves nothing behind for the next serve_forever") {
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.timeouts.drain = 1ms;
  UpperServer server(config);
  Client client(server.server_address());
  client.send("half a line");
  CHECK(server.handle_request());
  CHECK(eventually([&] { return server.stats().bytes_in == 11; }));
  server.server_close();
  CHECK(server.stats().failed == 1);

  auto serving = std::async(std::launch::async, [&server] { return server.serve_forever(); });
  CHECK(eventually([&] { return answers(server.server_address()); }));
  CHECK(eventually([&] { return server.stats().active == 0; }));
  server.request_stop();
  const DrainReport report = serving.get();
  CHECK(report.drained == 0);
  CHECK(report.forced == 0);
}

TEST_CASE("many stops from many threads, while clients come and go") {
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<UpperServer> running(local_config(policy));
  for (int round = 0; round < 5; ++round) {
    CHECK(eventually([&] {  // a stop that is requested before serve_forever has begun again would do nothing
      return answers(running.address());
    }));
    std::vector<std::future<void>> all;
    for (int i = 0; i < 3; ++i) {
      all.push_back(std::async(std::launch::async, [&] {
        try {
          Client client(running.address());
          client.ask("x\n");
        } catch (const std::system_error&) {  // not listening any more
        }
      }));
      all.push_back(std::async(std::launch::async, [&] { running.server.request_stop(); }));
    }
    for (auto& one : all) one.get();
    running.stop();
    if (round < 4) running.start();
  }
}
