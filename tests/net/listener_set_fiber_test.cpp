// Accepting on a fiber: the waits that a server with one loop has.

#include <atomic>
#include <exception>
#include <future>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/concurrency/sync.hpp>
#include <socketserver/net/listener_set.hpp>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/eventually.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using detail::ListenerSet;
using testing_support::Client;
using testing_support::eventually;

namespace {

const ListenOptions kLoopback{.host = "127.0.0.1", .port = 0};

std::unique_ptr<Policy> one_loop() { return make_policy({.kind = PolicyKind::fiber, .threads = 1}); }

/// Runs the job on a fiber to its end; what it throws, a failed REQUIRE included, comes through.
void on_fiber(Policy& policy, Job job) {
  policy.run_accept_loop([job = std::move(job)]() mutable { job(); });
}

}  // namespace

TEST_CASE("on a fiber a wake-up ends the wait under way or the next one, once") {
  const auto loop = one_loop();
  ListenerSet acceptor(kLoopback, {});
  acceptor.wake();
  acceptor.wake();
  on_fiber(*loop, [&acceptor] {
    CHECK(acceptor.wait(true, Deadline::after(10s)) == ListenerSet::Event::woken);
    CHECK(acceptor.wait(true, Deadline::after(1ms)) == ListenerSet::Event::timeout);
  });
  auto waking = std::async(std::launch::async, [&acceptor] { acceptor.wake(); });
  on_fiber(*loop, [&acceptor] { CHECK(acceptor.wait(false, Deadline::never()) == ListenerSet::Event::woken); });
}

TEST_CASE("on a fiber a wait without interest in connections leaves them in the queue") {
  const auto loop = one_loop();
  ListenerSet acceptor(kLoopback, {});
  const Client client(acceptor.address());
  on_fiber(*loop, [&acceptor] {
    CHECK(acceptor.wait(false, Deadline::after(1ms)) == ListenerSet::Event::timeout);
    CHECK(acceptor.wait(true, Deadline::after(10s)) == ListenerSet::Event::connection);
    CHECK_FALSE(acceptor.accept().error);
    CHECK(acceptor.accept().error == std::errc::operation_would_block);
    CHECK(acceptor.wait(true, Deadline::after(1ms)) == ListenerSet::Event::timeout);
  });
}

TEST_CASE("on a fiber a deadline that has passed still finds the connection that is there") {
  const auto loop = one_loop();
  ListenerSet acceptor(kLoopback, {});
  const Client client(acceptor.address());
  on_fiber(*loop, [&acceptor] {
    CHECK(acceptor.wait(true, Deadline::at_once()) == ListenerSet::Event::connection);
    CHECK_FALSE(acceptor.accept().error);
  });
}

TEST_CASE("an acceptor goes from loop to loop, to a thread, and over a close") {
  const auto first = one_loop();
  const auto second = one_loop();
  ListenerSet acceptor(kLoopback, {});
  const auto accept_one = [&acceptor] {
    CHECK(acceptor.wait(true, Deadline::after(10s)) == ListenerSet::Event::connection);
    const bool taken = !acceptor.accept().error;
    CHECK(taken);
  };
  for (Policy* loop : {first.get(), second.get(), first.get()}) {
    const Client client(acceptor.address());
    on_fiber(*loop, accept_one);
    const Client other(acceptor.address());
    accept_one();
    acceptor.close();
    acceptor.reopen();
  }
}

TEST_CASE("an accept loop that always finds a client lets the other fibers run") {
  const auto loop = one_loop();
  ListenerSet acceptor(kLoopback, {});
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) clients.emplace_back(acceptor.address());
  std::atomic<int> turns{0};
  int before_last = 0;
  on_fiber(*loop, [&] {
    loop->submit([&turns] {
      for (int i = 0; i < 20; ++i, ++turns) sleep_for(Duration::zero());
    });
    for (int i = 0; i < 20; ++i) {
      CHECK(acceptor.wait(true, Deadline::after(10s)) == ListenerSet::Event::connection);
      before_last = turns;
      CHECK_FALSE(acceptor.accept().error);
    }
  });
  loop->join();
  CHECK(before_last > 0);
}

TEST_CASE("an exception from an accept loop on a fiber reaches the caller, and the next one runs") {
  const auto loop = one_loop();
  CHECK_THROWS_WITH(on_fiber(*loop, [] { throw std::runtime_error("fatal"); }), "fatal");
  bool ran = false;
  on_fiber(*loop, [&ran] { ran = true; });
  CHECK(ran);
}

TEST_CASE("on a fiber a wait ends with a client of any listener, also after one had none left") {
  const auto loop = one_loop();
  ListenerSet set({kLoopback, kLoopback}, {});
  on_fiber(*loop, [&set] {
    for (const std::size_t place : {0U, 1U, 1U, 0U}) {
      const Client client(set.addresses()[place]);
      CHECK(set.wait(true, Deadline::after(10s)) == ListenerSet::Event::connection);
      const ListenerSet::Accepted accepted = set.accept();
      CHECK_FALSE(accepted.error);
      CHECK(accepted.listener == place);
      CHECK(set.accept().error == std::errc::operation_would_block);
      CHECK(set.wait(true, Deadline::after(1ms)) == ListenerSet::Event::timeout);
    }
  });
}
