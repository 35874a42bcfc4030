// A client's connect on a fiber, with others on the same loop.

#include <netdb.h>

#include <atomic>
#include <future>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/net/connect.hpp>
#include <socketserver/net/lookup.hpp>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/running_server.hpp"
#include "support/unconnectable.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

constexpr auto kTimeout = 1s;

struct Shared {
  std::vector<SocketAddress> targets{};
  std::atomic<bool> connecting{false};
};

/// "connect" connects to the targets and says how that ended; anything else is answered with whether one does so.
class ConnectingHandler : public StreamRequestHandler {
 public:
  explicit ConnectingHandler(Shared* shared) : shared_(*shared) {}

 protected:
  void handle() override {
    while (const auto line = rfile().readline()) wfile() << (*line == "connect\n" ? connect() : other());
  }

 private:
  std::string connect() {
    shared_.connecting = true;
    std::string answer;
    try {
      answer = create_connection(shared_.targets, {.connect_timeout = kTimeout}).peer_address().to_string();
    } catch (const StreamError& error) {
      answer = error.what();
    }
    shared_.connecting = false;
    return answer + "\n";
  }
  std::string other() const { return shared_.connecting ? "meanwhile\n" : "alone\n"; }

  Shared& shared_;
};

/// A server whose handlers all run on one loop.
struct OneLoop {
  explicit OneLoop(std::vector<SocketAddress> targets) : shared{.targets = std::move(targets)} {}
  static ServerConfig config() {
    ServerConfig config = local_config(PolicyKind::fiber);
    config.concurrency.threads = 1;
    return config;
  }
  Shared shared;
  RunningServer<FiberTCPServer<ConnectingHandler>> running{config(), &shared};
};

}  // namespace

TEST_CASE("on a fiber a connect times out while others of its loop are answered") {
  const FullQueue full;
  const FullQueue second;
  const Refusing refusing;
  for (const auto& targets : std::vector<std::vector<SocketAddress>>{
           {full.address}, {full.address, refusing.address}, {full.address, second.address}}) {
    OneLoop server(targets);
    Client connecting(server.running.address());
    Client other(server.running.address());
    CHECK(other.ask("hello\n") == "alone\n");
    auto longer = std::async(std::launch::async, [&full] {  // the kernel gives up after 3 s
      const TimePoint before = steady_clock().now();
      try {
        (void)create_connection({full.address}, {.connect_timeout = std::nullopt, .syn_retries = 1});
      } catch (const TimeoutError&) {
      }
      return steady_clock().now() - before;
    });
    const TimePoint before = steady_clock().now();
    connecting.send("connect\n");
    CHECK(eventually([&other] { return other.ask("hello\n") == "meanwhile\n"; }));
    const std::string answer = connecting.recv_line();
    const Duration took = steady_clock().now() - before;
    CAPTURE(answer);
    CHECK(answer.find("within the connect timeout of 1 s") != std::string::npos);
    CHECK(took >= kTimeout);
    CHECK(took < longer.get());
  }
}

TEST_CASE("on a fiber a dead address is followed by the next") {
  const FullQueue full;
  FileDescriptor listener = Refusing::bound();
  REQUIRE(::listen(listener.get(), 5) == 0);
  const SocketAddress alive = local_address(listener.get());
  OneLoop server({full.address, alive});
  Client client(server.running.address());
  CHECK(client.ask("connect\n") == alive.to_string() + "\n");
}

TEST_CASE("on a fiber a look-up by name does not block its loop") {
  const auto answer = std::make_shared<std::promise<void>>();  // the resolver's thread may outlive the test case
  detail::Resolver look_ups(1, [answer](const std::string&, std::uint16_t port) {
    answer->get_future().wait();
    return detail::look_up("127.0.0.1", port, AI_NUMERICHOST);
  });
  detail::ResolveResult found;
  const auto loop = make_policy({.kind = PolicyKind::fiber, .threads = 1});
  loop->submit([&] { found = look_ups.find("a.name", 7, Deadline::after(30s)); });
  loop->submit([&answer] { answer->set_value(); });  // which the first one waits for
  loop->join();
  REQUIRE(found.addresses.size() == 1);
  CHECK(found.addresses[0].to_string() == "127.0.0.1:7");
}

TEST_CASE("on a fiber a resolver that hangs is left at the deadline") {
  const auto answer = std::make_shared<std::promise<void>>();
  detail::Resolver look_ups(1, [answer](const std::string&, std::uint16_t) {
    answer->get_future().wait();
    return detail::ResolveResult{};
  });
  detail::ResolveResult found;
  const auto loop = make_policy({.kind = PolicyKind::fiber, .threads = 1});
  loop->submit([&] { found = look_ups.find("a.name", 7, Deadline::after(30ms)); });
  loop->join();
  CHECK(found.overdue == "the resolver has not answered");
  answer->set_value();
}
