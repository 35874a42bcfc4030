// Serving, stopping and serving again.

#include <filesystem>
#include <future>
#include <socketserver/handlers/upper_case.hpp>
#include <stdexcept>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

using UpperServer = TCPServer<UpperCaseHandler>;

std::size_t entries(const char* folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

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

TEST_CASE("a constructor that fails releases everything") {
  const RunningServer<UpperServer> running(local_config());
  ServerConfig taken = local_config();
  taken.listen[0].port = running.address().port();
  for (int i = 0; i < 50; ++i) CHECK_THROWS_AS(UpperServer(taken), std::system_error);
}
