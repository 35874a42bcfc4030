// The fixture for tests with real sockets.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/testing/server_fixture.hpp>

#include "examples/chat_handler.hpp"
#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/event.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace std::literals;
using testing::FixtureOptions;
using testing::ServerFixture;
using testing_support::Event;
using testing_support::TestPolicy;

namespace {

struct Gate {
  Event entered;
  Event open;
};

/// Takes a line, then waits for something that has nothing to do with its client.
class StuckHandler : public StreamRequestHandler {
 public:
  explicit StuckHandler(Gate& gate) : gate_(gate) {}

 protected:
  void handle() override {
    (void)rfile().readline();
    gate_.entered.set();
    gate_.open.wait();
  }

 private:
  Gate& gate_;
};

/// Sends more than the network holds.
class FloodHandler : public BaseRequestHandler {
 protected:
  void handle() override { request().sendall(std::string(64U << 20U, 'x')); }
};

/// Waits until the server has ended the connection.
bool ended(SocketStream& client) {
  try {
    return client.recv(1).empty();
  } catch (const StreamError&) {
    return true;
  }
}

void be_stuck() {
  Gate gate;
  FixtureOptions options;
  options.stop_within = 50ms;
  ServerFixture<StuckHandler> fixture(options, std::ref(gate));
  SocketStream client = fixture.connect();
  client.sendall("x\n");
  gate.entered.wait();
}

FixtureOptions with_policy(TestPolicy policy) {
  FixtureOptions options;
  options.config.concurrency.policy = policy.kind;
  options.config.concurrency.threads = policy.threads;
  return options;
}

}  // namespace

TEST_CASE("a fixture serves on a port of its own until its end") {
  SocketAddress first;
  {
    ServerFixture<UpperCaseHandler> fixture;
    ServerFixture<UpperCaseHandler> other;
    first = fixture.address();
    CHECK(first.port() != other.address().port());
    SocketStream client = fixture.connect();
    client.sendall("hello\n");
    CHECK(Reader(client).readline() == "HELLO\n");
  }
  CHECK(testing_support::refuses(first));
}

TEST_CASE("a fixture takes handler arguments, a configuration and each policy") {
  for (const TestPolicy policy : testing_support::kPolicies) {
    Room room;
    FixtureOptions options = with_policy(policy);
    options.config.limits.max_line = 10;
    ServerFixture<ChatHandler> fixture(options, std::ref(room));
    SocketStream client = fixture.connect();
    Reader lines(client);
    client.sendall("ann\n");
    CHECK(lines.readline() == "Your name?\n");
    CHECK(lines.readline() == "Welcome, ann.\n");
    CHECK(room.members() == 1);
    client.sendall("longer than ten bytes\n");
    CHECK(lines.readline() == std::nullopt);
  }
}

TEST_CASE("what a fixture's server has counted is there after its stop") {
  ServerFixture<UpperCaseHandler> fixture;
  SocketStream client = fixture.connect();
  client.sendall("hello\n");
  CHECK(Reader(client).readline() == "HELLO\n");
  const DrainReport report = fixture.stop();
  CHECK(report.drained == 1);
  CHECK(fixture.server().stats().accepted == 1);
  CHECK(fixture.server().stats().active == 0);
  CHECK(fixture.stop().drained == 0);
}

TEST_CASE("a fixture stops in time although a client is in the middle of a request") {
  FixtureOptions options;
  options.stop_within = 30s;
  options.config.timeouts.drain = 1ms;
  ServerFixture<UpperCaseHandler> fixture(options);
  SocketStream client = fixture.connect();
  client.sendall("hello\nunfin");
  CHECK(Reader(client).readline() == "HELLO\n");
  CHECK(fixture.stop().forced == 1);
}

TEST_CASE("a fixture that cannot stop names the handler and its client") {
  for (const TestPolicy policy : testing_support::kPolicies) {
    Gate gate;
    FixtureOptions options = with_policy(policy);
    options.stop_within = 50ms;
    options.config.timeouts.linger = std::nullopt;
    ServerFixture<StuckHandler> fixture(options, std::ref(gate));
    SocketStream client = fixture.connect();
    client.sendall("x\n");
    gate.entered.wait();
    const std::string who = client.local_address().to_string();
    CHECK_THROWS_WITH(fixture.stop(), Catch::Matchers::StartsWith("the server has not stopped within 50 ms: ") &&
                                          ContainsText("StuckHandler for " + who + " ("));
    CHECK(ended(client));  // the drain's deadline has passed
    gate.open.set();
    bool stopped = false;
    while (!stopped) {
      try {
        CHECK(fixture.stop().forced == 1);
        stopped = true;
      } catch (const std::runtime_error&) {  // not yet
      }
    }
  }
}

TEST_CASE("a client that waits for a worker is distinguished from a stuck one") {
  Gate gate;
  FixtureOptions options = with_policy({PolicyKind::pool, 1});
  options.stop_within = 50ms;
  ServerFixture<StuckHandler> fixture(options, std::ref(gate));
  SocketStream stuck = fixture.connect();
  stuck.sendall("x\n");
  gate.entered.wait();
  SocketStream waiting = fixture.connect();
  waiting.sendall("y\n");
  CHECK(testing_support::eventually([&fixture] { return fixture.server().stats().queued == 1; }));
  const std::string who = waiting.local_address().to_string();
  CHECK_THROWS_WITH(fixture.stop(), ContainsText(who + " (0 s, waits for a worker)"));
  gate.open.set();
  CHECK(testing_support::eventually([&fixture] { return fixture.server().stats().active == 0; }));
}

TEST_CASE("a client that does not read does not make a fixture late") {
  FixtureOptions options;
  options.stop_within = 2s;  // as long as the default linger
  ServerFixture<FloodHandler> fixture(options);
  SocketStream client = fixture.connect();
  CHECK(client.recv(1) == "x");
  CHECK_NOTHROW(fixture.stop());
}

TEST_CASE("a fixture that cannot stop ends the process with that line") {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // not the test framework's business
    ::dup2(pipe[1], STDERR_FILENO);
    be_stuck();
    ::_exit(0);
  }
  ::close(pipe[1]);
  std::string said;
  std::array<char, 1024> buffer{};
  for (ssize_t got = 1; got > 0; said.append(buffer.data(), static_cast<std::size_t>(got))) {
    got = ::read(pipe[0], buffer.data(), buffer.size());
    REQUIRE(got >= 0);
  }
  ::close(pipe[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
  CHECK_THAT(said, Catch::Matchers::StartsWith("the server has not stopped within 50 ms: ") &&
                       ContainsText("StuckHandler for 127.0.0.1:"));
}
