// The server's parts that need no socket.

#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/server/detail/accept_trouble.hpp>
#include <socketserver/server/detail/housekeeper.hpp>
#include <socketserver/server/detail/lifecycle.hpp>
#include <stdexcept>

#include "support/catch.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

TEST_CASE("want of resources is waited for, 5 ms at first, doubling to a second") {
  ManualClock clock;
  Logger log({.level = LogLevel::off});
  detail::AcceptTrouble trouble(log, clock);
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
  detail::AcceptTrouble trouble(log, clock);
  trouble.failed({ECONNABORTED, std::generic_category()});
  CHECK(trouble.retry_at().expired(clock));
  CHECK_THROWS_AS(trouble.failed({EBADF, std::generic_category()}), std::system_error);
}

TEST_CASE("an accept error that repeats backs off whatever it is, and a stop does not wait for it") {
  ManualClock clock;
  Logger log({.level = LogLevel::off});
  detail::AcceptTrouble trouble(log, clock);
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
