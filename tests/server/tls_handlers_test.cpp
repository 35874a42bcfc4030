// Handlers over TLS that do more than answer lines: a chat, half-closed directions, timeouts of their own.

#include <future>
#include <socketserver/client/tls_connect.hpp>
#include <socketserver/concurrency/broadcast.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/io/reader.hpp>
#include <socketserver/server/tcp_server.hpp>
#include <socketserver/testing/certificates.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/ended.hpp"
#include "support/eventually.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using namespace testing_support;

namespace {

const socketserver::testing::TestAuthority& tls_authority() {
  static const socketserver::testing::TestAuthority one;
  return one;
}

ServerConfig over_tls(TestPolicy policy) {
  ServerConfig config = local_config(policy);
  config.listen[0].tls = true;
  config.tls.certificates = {tls_authority().server({"server.test"})};
  return config;
}

TlsStream tls_client(const BaseServer& server) {
  return create_tls_connection("127.0.0.1", server.server_address().port(),
                               {.ca = tls_authority().certificate(), .server_name = "server.test"},
                               {.connect_timeout = 10s, .io_timeout = 10s});
}

/// Greets, and repeats each line to all members.
class TlsRoomHandler : public StreamRequestHandler {
 public:
  explicit TlsRoomHandler(Broadcast& room) : room_(room) {}
  static bool speaks_first() { return true; }

 protected:
  void handle() override {
    Outbox outbox(request(), {});
    outbox.post("welcome\n");  // before another member's line can come
    auto membership = room_.join(outbox);
    while (const auto line = rfile().readline()) room_.post(*line);
    membership.leave();
    (void)outbox.flush();  // else a message that is under way is cut, and the connection with it
  }

 private:
  Broadcast& room_;
};

/// Ends its own direction first, and then reads the peer's.
class LastWordHandler : public StreamRequestHandler {
 public:
  explicit LastWordHandler(std::promise<std::string>& heard) : heard_(heard) {}

 protected:
  void handle() override {
    (void)rfile().readline();
    request().sendall("bye\n");
    request().shutdown(ShutdownHow::write);
    std::string all;
    while (const auto line = rfile().readline()) all += *line;
    heard_.set_value(all);
  }

 private:
  std::promise<std::string>& heard_;
};

/// Waits for as long as it chooses itself, not the configuration.
class OwnTimeoutHandler : public BaseRequestHandler {
 protected:
  void handle() override {
    request().settimeout(20ms);
    (void)request().recv(1);
  }
};

}  // namespace

TEST_CASE("members of a chat over TLS come and go while all of them send") {
  const auto policy = GENERATE(from_range(kConcurrentPolicies));
  constexpr int kMembers = 4, kRounds = 8, kLines = 20;
  Broadcast room;
  ServerConfig config = over_tls(policy);
  config.concurrency.threads = policy.kind == PolicyKind::pool ? kMembers + 1 : policy.threads;
  RunningServer<TCPServer<TlsRoomHandler>> running(config, std::ref(room));
  TlsStream stays = tls_client(running.server);
  Reader heard(stays);
  REQUIRE(heard.readline() == "welcome\n");
  std::vector<std::future<void>> members;
  for (int member = 0; member < kMembers; ++member) {
    members.push_back(std::async(std::launch::async, [&running] {
      for (int round = 0; round < kRounds; ++round) {
        TlsStream client = tls_client(running.server);
        for (int line = 0; line < kLines; ++line) client.sendall("hello\n");
        client.shutdown(ShutdownHow::write);
        std::string all;
        for (std::string part = client.recv(4096); !part.empty(); part = client.recv(4096)) all += part;
        if (!all.starts_with("welcome\n")) throw std::runtime_error("no greeting");
      }
    }));
  }
  for (int line = 0; line < kMembers * kRounds * kLines; ++line) REQUIRE(heard.readline() == "hello\n");
  for (auto& member : members) CHECK_NOTHROW(member.get());
  stays.shutdown(ShutdownHow::write);
  CHECK_FALSE(heard.readline());
  const ServerStats stats = ended(running.server, 1 + kMembers * kRounds);
  CHECK(stats.served == 1 + kMembers * kRounds);
}

TEST_CASE("a handler over TLS that ends its direction first still hears its peer's last words") {
  const auto policy = GENERATE(from_range(kPolicies));
  std::promise<std::string> heard;
  RunningServer<TCPServer<LastWordHandler>> running(over_tls(policy), std::ref(heard));
  TlsStream client = tls_client(running.server);
  client.sendall("hello\n");
  CHECK(Reader(client).readline() == "bye\n");
  CHECK(client.recv(1).empty());
  client.sendall("still\nhere\n");
  client.shutdown(ShutdownHow::write);
  CHECK(heard.get_future().get() == "still\nhere\n");
  CHECK(ended(running.server, 1).served == 1);
}

TEST_CASE("a handler over TLS may set its own timeout") {
  const auto policy = GENERATE(from_range(kPolicies));
  ServerConfig config = over_tls(policy);
  config.timeouts.idle = config.timeouts.read = 1h;
  RunningServer<TCPServer<OwnTimeoutHandler>> running(config);
  TlsStream client = tls_client(running.server);
  CHECK(client.recv(1).empty());
  CHECK(ended(running.server, 1).timed_out == 1);
}

TEST_CASE("handle_request serves one client over TLS") {
  const auto policy = GENERATE(from_range(kPolicies));
  TCPServer<UpperCaseHandler> server(over_tls(policy));
  auto answer = std::async(std::launch::async, [&server] {
    TlsStream client = tls_client(server);
    client.sendall("hello\n");
    client.shutdown(ShutdownHow::write);
    std::string line(Reader(client).readline().value_or(""));
    return line + (client.recv(1).empty() ? "and the end" : "and more");
  });
  CHECK(server.handle_request(Deadline::after(20s)));
  CHECK(answer.get() == "HELLO\nand the end");
  server.server_close();
  CHECK(server.stats().served == 1);
}

TEST_CASE("a drain serves what TLS clients have sent before it") {
  const auto policy = GENERATE(from_range(kConcurrentPolicies));
  constexpr int kLines = 8;
  const std::string line(4000,
                         'x');  // together more than a block of ciphertext, and less than the kernel's first window
  ServerConfig config = over_tls(policy);
  config.timeouts.drain.reset();
  RunningServer<TCPServer<UpperCaseHandler>> running(config);
  TlsStream client = tls_client(running.server);
  client.sendall("first\n");
  Reader answers(client);
  REQUIRE(answers.readline() == "FIRST\n");
  for (int i = 0; i < kLines; ++i) client.sendall(line + "\n");  // each in a record of its own
  auto stopping = std::async(std::launch::async, [&running] { return running.stop(); });
  int answered = 0;
  while (const auto answer = answers.readline()) answered += answer->size() == line.size() + 1 ? 1 : 0;
  CHECK(answered == kLines);
  CHECK(stopping.get().forced == 0);
}
