// Servers with several listening sockets, and with Unix sockets, under each policy.

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <optional>
#include <socketserver/base/text.hpp>
#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/handlers/upper_case.hpp>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/running_server.hpp"
#include "support/temporary_folder.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

using UpperServer = TCPServer<UpperCaseHandler>;

/// Answers each line with what the request knows of its client.
class AboutHandler : public StreamRequestHandler {
 protected:
  void handle() override {
    while (rfile().readline()) {
      const auto peer = connection().peer_credentials();
      wfile().write(concat(connection().listener(), " ", client_address().to_string(), " ",
                           peer ? std::to_string(peer->pid) : "none", "\n"));
    }
  }
};

ServerConfig unix_config(TestPolicy policy, const std::string& path) {
  ServerConfig config = local_config(policy);
  config.listen = {{.path = path}};
  return config;
}

/// A client of a server that is about to listen: its file is there a moment before.
Client eventually_connected(const SocketAddress& address) {
  std::optional<Client> client;
  REQUIRE(eventually([&] {
    try {
      client.emplace(address);
    } catch (const std::system_error&) {
    }
    return client.has_value();
  }));
  return std::move(*client);
}

}  // namespace

TEST_CASE("a server serves the clients of each of its listeners, which the handler can tell apart") {
  const TemporaryFolder folder;
  ServerConfig config = local_config(GENERATE(from_range(kConcurrentPolicies)));
  config.listen.push_back(config.listen.front());
  config.listen.push_back({.path = folder / "s"});
  RunningServer<TCPServer<AboutHandler>> running(config);

  const std::vector<SocketAddress>& addresses = running.server.server_addresses();
  REQUIRE(addresses.size() == 3);
  CHECK(addresses[0] == running.server.server_address());
  std::vector<Client> clients;
  for (const SocketAddress& address : addresses) clients.emplace_back(address);
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string own = local_address(clients[i].native_handle()).to_string();
    CHECK(clients[i].ask("x\n") == concat(i, " ", own, " none\n"));
  }
  CHECK(clients[2].ask("x\n") == concat("2 unix: ", ::getpid(), "\n"));
  clients.clear();
  CHECK(running.stop().forced == 0);
}

TEST_CASE("a stop answers a Unix client whose message has begun, and no policy loses the rest of it") {
  const TemporaryFolder folder;
  RunningServer<UpperServer> running(unix_config(GENERATE(from_range(kPolicies)), folder / "s"));
  Client client(running.address());
  client.send("first\nsec");
  CHECK(client.recv_line() == "FIRST\n");
  CHECK(eventually([&running] { return running.server.stats().bytes_in == 9; }));
  running.server.request_stop();
  client.send("ond");
  CHECK(eventually([&running] { return running.server.stats().bytes_in == 12; }));
  client.send("\n");
  CHECK(client.recv_line() == "SECOND\n");
  CHECK(client.recv().empty());
  CHECK(running.wait().forced == 0);
}

TEST_CASE("a stop ends an idle Unix client's connection at once, and serves what the kernel has of another") {
  const TemporaryFolder folder;
  RunningServer<UpperServer> running(unix_config(GENERATE(from_range(kConcurrentPolicies)), folder / "s"));
  Client idle(running.address());
  CHECK(idle.ask("x\n") == "X\n");
  Client busy(running.address());
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "abc\n";
  busy.send(lines);
  running.server.request_stop();
  CHECK(idle.recv_all().empty());
  CHECK(busy.recv_all() == upper(lines));
  CHECK(running.wait().forced == 0);
}

TEST_CASE("Unix clients that have connected before a stop are served, and later ones are refused") {
  const TemporaryFolder folder;
  ServerConfig config = unix_config(PolicyKind::inline_, folder / "s");
  RunningServer<UpperServer> running(config);
  Client first(running.address());
  CHECK(first.ask("x\n") == "X\n");
  Client second(running.address());  // waits: the policy runs one at a time
  second.send("y\n");
  running.server.request_stop();
  CHECK(second.recv_line() == "Y\n");
  CHECK_THROWS_AS(Client(running.address()), std::system_error);
  CHECK(running.wait().forced == 0);
}

TEST_CASE("a reply of a stopped server reaches a Unix client that still sends") {
  const TemporaryFolder folder;
  ServerConfig config = unix_config(GENERATE(from_range(kUnboundedPolicies)), folder / "s");
  config.limits.max_line = 2 << 20;
  config.timeouts.linger = 10s;
  RunningServer<UpperServer> running(config);
  Client client(running.address());
  const std::string line = std::string(1'000'000, 'a') + "\n";
  client.send(line);
  CHECK(eventually([&] { return running.server.stats().bytes_in == line.size(); }));
  running.server.request_stop();
  CHECK(client.recv_line() == upper(line));
  CHECK(client.recv_all().empty());
  CHECK(running.wait().forced == 0);
}

TEST_CASE("a server on a Unix socket that has stopped serves again at the same path") {
  const TemporaryFolder folder;
  RunningServer<UpperServer> running(unix_config(GENERATE(from_range(kPolicies)), folder / "s"));
  for (int round = 0; round < 2; ++round) {
    if (round > 0) running.start();
    CHECK(eventually_connected(running.address()).ask("x\n") == "X\n");
    CHECK(running.stop().forced == 0);
    CHECK_FALSE(std::filesystem::exists(folder / "s"));
  }
}

TEST_CASE("the drain deadline ends a Unix client whose message never ends") {
  const TemporaryFolder folder;
  ServerConfig config = unix_config(GENERATE(from_range(kPolicies)), folder / "s");
  config.timeouts.drain = 50ms;
  RunningServer<UpperServer> running(config);
  Client client(running.address());
  client.send("begun");
  CHECK(eventually([&running] { return running.server.stats().bytes_in == 5; }));
  CHECK(running.stop().forced == 1);
  CHECK(client.recv_all().empty());
}

TEST_CASE("a busy listener does not starve the others") {
  ServerConfig config = local_config(GENERATE(from_range(kPolicies)));
  config.listen.push_back(config.listen.front());
  RunningServer<UpperServer> running(config);
  std::atomic<bool> over{false};
  std::vector<std::future<void>> busy;
  for (int i = 0; i < 4; ++i) {
    busy.push_back(std::async(std::launch::async, [&] {
      while (!over) Client(running.server.server_addresses()[0]).ask("x\n");
    }));
  }
  for (int i = 0; i < 50; ++i) CHECK(Client(running.server.server_addresses()[1]).ask("y\n") == "Y\n");
  over = true;
  for (auto& one : busy) one.get();
}

TEST_CASE("a configuration is given one listener, or a list of them") {
  ServerConfig config;
  CHECK(config.listen.size() == 1);
  config.listen = {{.port = 1}, {.port = 2}};
  CHECK(config.listen.size() == 2);
  config.listen = {.host = "127.0.0.1", .port = 3};
  REQUIRE(config.listen.size() == 1);
  CHECK(config.listen[0].port == 3);
  const std::vector<ListenOptions> two(2);
  static_cast<std::vector<ListenOptions>&>(config.listen) = two;
  CHECK(config.listen.size() == 2);
  CHECK(ServerConfig{.listen = {{.port = 4}}}.listen.at(0).port == 4);
}
