#include <sys/socket.h>

#include <atomic>
#include <future>
#include <list>
#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/net/listener_set.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/server/housekeeper.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;
using detail::ListenerSet;

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
  Ended(ListenerSet& acceptor, detail::Housekeeper& housekeeper, std::size_t unsent, const char* from = "127.0.0.1")
      : client(resolve_listen("127.0.0.1", acceptor.address().port()).at(0), 4096, from) {
    REQUIRE(acceptor.wait(true, Deadline::after(10s)) == ListenerSet::Event::connection);
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

TEST_CASE("lingering sockets have a limit, and one without unacknowledged data is closed first") {
  SocketOptions options;
  options.send_buffer = 1 << 20;
  ListenerSet acceptor({.host = "127.0.0.1", .port = 0}, options);
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

TEST_CASE("where every lingering socket has unacknowledged data, the client with the most sockets loses its oldest") {
  SocketOptions options;
  options.send_buffer = 1 << 20;
  const char* const host = GENERATE("127.0.0.1", "");  // the latter sees IPv4 clients by mapped addresses: once as one
  ListenerSet acceptor({.host = host, .port = 0}, options);
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

TEST_CASE("what a peer has not read at the end of lingering does not stay in the kernel") {
  class Reply : public BaseRequestHandler {
   protected:
    void handle() override { (void)request().try_sendall(std::string(1 << 20, 'x')); }
  };
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.socket.send_buffer = 4 << 20;  // takes the reply whole
  config.timeouts.linger = 20ms;
  RunningServer<TCPServer<Reply>> running(config);
  Client client(running.address(), 4096);
  CHECK(eventually([&] {
    const ServerStats stats = running.server.stats();
    return stats.served == 1 && stats.lingering == 0;
  }));
  CHECK_THROWS_AS(client.recv_all(), std::system_error);
}

TEST_CASE("a reply of a mebibyte followed by a close arrives whole although input was left unread") {
  class BigReplyHandler : public BaseRequestHandler {
   protected:
    void handle() override {
      (void)request().recv(1);
      request().sendall(std::string(1 << 20, 'r'));
    }
  };
  const auto policy = GENERATE(from_range(kPolicies));
  RunningServer<TCPServer<BigReplyHandler>> running(local_config(policy));
  Client client(running.address());
  client.send(std::string(100'000, 'q'));
  CHECK(client.recv_all() == std::string(1 << 20, 'r'));
  CHECK(eventually([&] { return running.server.stats().served == 1; }));
}

TEST_CASE("without lingering the same close destroys the reply: what linger is for") {
  class BigReplyHandler : public BaseRequestHandler {
   protected:
    void handle() override {
      (void)request().recv(1);
      request().sendall(std::string(1 << 20, 'r'));
    }
  };
  ServerConfig config = local_config(GENERATE(from_range(kUnboundedPolicies)));
  config.timeouts.linger.reset();
  config.socket.send_buffer = 4 << 20;
  RunningServer<TCPServer<BigReplyHandler>> running(config);
  Client client(running.address());
  client.send(std::string(100'000, 'q'));
  CHECK(eventually([&] { return running.server.stats().served == 1; }));
  CHECK_THROWS_AS(client.recv_all(), std::system_error);
}

TEST_CASE("a lingering connection is closed at the linger time and holds no worker") {
  ServerConfig config = local_config(PolicyKind::pool);
  config.concurrency.threads = 1;
  config.timeouts.linger = 50ms;
  class OneLineHandler : public StreamRequestHandler {
   protected:
    void handle() override { wfile().write(*rfile().readline()); }
  };
  RunningServer<TCPServer<OneLineHandler>> running(config);
  std::vector<Client> lingering;
  for (int i = 0; i < 20; ++i) {  // none of these closes, and the only worker serves them all
    lingering.emplace_back(running.address());
    CHECK(lingering.back().ask("x\n") == "x\n");
    CHECK(lingering.back().recv().empty());
  }
  for (Client& client : lingering) {
    CHECK(eventually([&client] {
      try {
        client.send("still here");
        return false;
      } catch (const std::system_error&) {
        return true;
      }
    }));
  }
}
