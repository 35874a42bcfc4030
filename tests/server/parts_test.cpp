// The server's parts that need no socket.

#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <list>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/net/acceptor.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/server/accept_backoff.hpp>
#include <socketserver/server/client_network.hpp>
#include <socketserver/server/housekeeper.hpp>
#include <socketserver/server/lifecycle.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

TEST_CASE("want of resources is waited for, 5 ms at first, doubling to a second") {
  ManualClock clock;
  Logger log({.level = LogLevel::off});
  detail::AcceptBackoff trouble(log, clock);
  const std::error_code emfile(EMFILE, std::generic_category());
  CHECK(trouble.retry_at().expired(clock));
  for (const int expected : {5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000}) {
    trouble.failed(emfile);
    CHECK(trouble.retry_at().remaining(clock) == std::chrono::milliseconds(expected));
  }
  trouble.retry_now();
  CHECK(trouble.retry_at().expired(clock));
  trouble.succeeded();
  trouble.failed(emfile);
  CHECK(trouble.retry_at().remaining(clock) == 5ms);
}

TEST_CASE("a transient error is not waited for, a fatal one is thrown") {
  ManualClock clock;
  Logger log({.level = LogLevel::off});
  detail::AcceptBackoff trouble(log, clock);
  trouble.failed({ECONNABORTED, std::generic_category()});
  CHECK(trouble.retry_at().expired(clock));
  CHECK_THROWS_AS(trouble.failed({EBADF, std::generic_category()}), std::system_error);
}

TEST_CASE("an accept error that repeats backs off whatever it is, and a stop does not wait for it") {
  ManualClock clock;
  Logger log({.level = LogLevel::off});
  detail::AcceptBackoff trouble(log, clock);
  const std::error_code forbidden(EPERM, std::generic_category());
  trouble.failed(forbidden);
  CHECK(trouble.retry_at().expired(clock));
  for (const int expected : {5, 10, 20, 40}) {
    trouble.failed(forbidden);
    CHECK(trouble.retry_at().remaining(clock) == std::chrono::milliseconds(expected));
    CHECK_FALSE(trouble.lasts());
  }
  trouble.failed(forbidden);
  CHECK(trouble.lasts());
  trouble.succeeded();
  CHECK_FALSE(trouble.lasts());
  for (int i = 0; i < 20; ++i) trouble.failed({EMFILE, std::generic_category()});
  CHECK_FALSE(trouble.lasts());  // room comes when a connection ends
}

TEST_CASE("failing accepts are a line a second, which counts those before it") {
  ManualClock clock;
  const auto path = std::filesystem::temp_directory_path() / ("accepts." + std::to_string(::getpid()));
  {
    Logger log({.pattern = "{message}", .file = path.string()});
    detail::AcceptBackoff trouble(log, clock);
    for (int i = 0; i < 100; ++i) {
      trouble.failed({EPERM, std::generic_category()});
      clock.advance(100ms);
    }
  }
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  std::filesystem::remove(path);
  REQUIRE(lines.size() == 10);
  CHECK(lines.front() == "accept failed 1 time: Operation not permitted; going on");
  CHECK(lines.back() == "accept failed 10 times, last: Operation not permitted; trying again");
}

TEST_CASE("a stop before the first run is remembered, after a run it is not") {
  detail::Lifecycle lifecycle;
  CHECK_FALSE(lifecycle.request_stop());
  CHECK(lifecycle.take_remembered_stop());
  CHECK_FALSE(lifecycle.take_remembered_stop());
  lifecycle.begin_serving();
  CHECK_THROWS_AS(lifecycle.begin_serving(), std::logic_error);
  CHECK(lifecycle.request_stop());
  CHECK_FALSE(lifecycle.request_stop());
  CHECK(lifecycle.stopping());
  lifecycle.drain_started();
  lifecycle.wait_until_draining();
  lifecycle.finish_serving();
  lifecycle.wait_until_stopped();
  CHECK_FALSE(lifecycle.request_stop());
  CHECK_FALSE(lifecycle.take_remembered_stop());
  CHECK(lifecycle.stop_requests() == 4);
}

TEST_CASE("an alarm rings once, can be replaced and be cancelled") {
  detail::Housekeeper housekeeper(10);
  std::promise<void> rang;
  housekeeper.set_alarm(Deadline::after(24h), [] { FAIL("replaced"); });
  housekeeper.set_alarm(Deadline::after(1ms), [&rang] { rang.set_value(); });
  rang.get_future().wait();
  std::atomic<bool> after_cancel{false};
  for (int i = 0; i < 200; ++i) {
    std::atomic<bool> cancelled{false};
    housekeeper.set_alarm(Deadline::after(0ms), [&] { after_cancel = after_cancel || cancelled; });
    housekeeper.cancel_alarm();
    cancelled = true;
  }
  CHECK_FALSE(after_cancel);
}

namespace {

/// A connection whose server side lingers. @param unsent  bytes under way to a client that does not read.
struct Ended {
  Ended(Acceptor& acceptor, detail::Housekeeper& housekeeper, std::size_t unsent, const char* from = "127.0.0.1")
      : client(resolve_listen("127.0.0.1", acceptor.address().port()).at(0), 4096, from) {
    REQUIRE(acceptor.wait(true, Deadline::after(10s)) == Acceptor::Event::connection);
    FileDescriptor socket = acceptor.accept().socket;
    const std::string reply(unsent, 'x');
    REQUIRE(::send(socket.get(), reply.data(), reply.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(unsent));
    ::shutdown(socket.get(), SHUT_WR);
    if (unsent == 0) REQUIRE(eventually([&socket] { return !has_unsent(socket.get()); }));
    housekeeper.linger(std::move(socket), 24h, false);
  }
  Client client;
};

}  // namespace

TEST_CASE("lingering sockets have a bound, and the one with nothing to lose goes first") {
  SocketOptions options;
  options.send_buffer = 1 << 20;
  Acceptor acceptor({.host = "127.0.0.1", .port = 0}, options);
  detail::Housekeeper housekeeper(2);
  const std::size_t reply = 300000;
  Ended slow(acceptor, housekeeper, reply);
  Ended done(acceptor, housekeeper, 0);
  CHECK(eventually([&] { return housekeeper.lingering() == 2; }));
  Ended third(acceptor, housekeeper, reply);
  CHECK(eventually([&] { return housekeeper.lingers_cut() == 1 && housekeeper.lingering() == 2; }));
  CHECK(slow.client.recv_all().size() == reply);
  CHECK(third.client.recv_all().size() == reply);
  housekeeper.shed(1);
  CHECK(eventually([&] { return housekeeper.lingers_cut() == 2 && housekeeper.lingering() == 1; }));
  housekeeper.finish_lingering();
  CHECK(housekeeper.lingering() == 0);
}

TEST_CASE("where all that lingers has something to lose, the client with the most loses its oldest") {
  SocketOptions options;
  options.send_buffer = 1 << 20;
  const char* const host = GENERATE("127.0.0.1", "");  // the latter sees IPv4 clients by mapped addresses: once as one
  Acceptor acceptor({.host = host, .port = 0}, options);
  detail::Housekeeper housekeeper(3);
  const std::size_t reply = 300000;
  Ended honest(acceptor, housekeeper, reply, "127.0.0.2");
  std::list<Ended> greedy;
  for (int i = 0; i < 3; ++i) greedy.emplace_back(acceptor, housekeeper, reply, "127.0.0.1");
  CHECK(eventually([&] { return housekeeper.lingers_cut() == 1; }));
  CHECK_THROWS_AS(greedy.front().client.recv_all(), std::system_error);
  CHECK(honest.client.recv_all().size() == reply);
  CHECK(greedy.back().client.recv_all().size() == reply);
}

TEST_CASE("a client is an IPv4 address, mapped or not, or an IPv6 network of 64 bits") {
  const auto client = [](const char* host) { return detail::client_network(resolve_listen(host, 1).at(0)); };
  CHECK(client("192.0.2.1") == client("::ffff:192.0.2.1"));
  CHECK(client("192.0.2.1") != client("192.0.2.2"));
  CHECK(client("::ffff:192.0.2.1") != client("::ffff:192.0.2.2"));
  CHECK(client("2001:db8:1:2::1") == client("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  CHECK(client("2001:db8:1:2::1") != client("2001:db8:1:3::1"));
  CHECK(client("::1") != client("192.0.2.1"));
}

TEST_CASE("a configuration that no server can have is refused") {
  const auto refused = [](auto change) {
    ServerConfig config = local_config();
    change(config);
    CHECK_THROWS_AS(TCPServer<UpperCaseHandler>(config), std::invalid_argument);
  };
  refused([](ServerConfig& c) { c.concurrency.threads = 0; });
  refused([](ServerConfig& c) { c.limits.max_connections = 0; });
  refused([](ServerConfig& c) { c.limits.max_line = 0; });
  refused([](ServerConfig& c) { c.limits.read_buffer = 0; });
  refused([](ServerConfig& c) { c.timeouts.idle = -1ms; });
  refused([](ServerConfig& c) { c.timeouts.drain = std::chrono::milliseconds::max(); });
  refused([](ServerConfig& c) { c.concurrency.stack_size = 4096; });
  refused([](ServerConfig& c) { c.log.pattern = "{nosuch}"; });
}
