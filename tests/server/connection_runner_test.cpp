// One connection: its clocks, its limits, and what it costs when it fails.

#include <sys/resource.h>

#include <socketserver/base/sanitizers.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <string>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/holding_handler.hpp"
#include "support/no_threads.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

using UpperServer = TCPServer<UpperCaseHandler>;

}  // namespace

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

TEST_CASE("a client that drips is still closed at the read clock") {
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
  constexpr long kMaxKib = 65536;  // its own memory is among that
#else
  constexpr long kMaxKib = 4096;
#endif
  CHECK(peak_kib() - before < kMaxKib);
  CHECK(running.server.stats().bytes_in <= 2 * 100'000);
  Client next(running.address());
  CHECK(next.ask("x\n") == "X\n");
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
