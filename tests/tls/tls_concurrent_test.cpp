// One reader with many senders, changes of keys, and errors of one stream near another.

#include <atomic>
#include <future>
#include <socketserver/base/text.hpp>
#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/io/reader.hpp>
#include <thread>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/raw_tls_peer.hpp"
#include "support/running_server.hpp"
#include "support/tls_pair.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

/// Answers lines in upper case over TLS.
class TlsHandler : public BaseRequestHandler {
 public:
  explicit TlsHandler(const TlsContext& context) : context_(context) {}

 protected:
  void handle() override {
    TlsStream stream(request(), context_);
    Reader lines(stream);
    while (const auto line = lines.readline()) stream.sendall(upper(*line));
    stream.shutdown(ShutdownHow::write);
  }

 private:
  TlsContext context_;
};

/// A server whose connections share one loop, and so one queue of OpenSSL's errors.
struct OneLoop {
  static ServerConfig config() {
    ServerConfig config = local_config(PolicyKind::fiber);
    config.concurrency.threads = 1;
    return config;
  }
  TlsContext context = TlsContext::server(server_options());
  RunningServer<FiberTCPServer<TlsHandler>> running{config(), std::cref(context)};
};

/// A TlsStream over a real connection.
struct OverSocket {
  explicit OverSocket(const SocketAddress& address, const TlsClientOptions& options = client_options())
      : socket(create_connection({address})), stream(socket, TlsContext::client(options)) {}
  SocketStream socket;
  TlsStream stream;
};

/// The stream below an end whose peer stops reading.
class DeafPeer final : public socketserver::detail::ForwardingStream {
 public:
  explicit DeafPeer(MemoryStream& below) : ForwardingStream(below) {}
  void no_longer_reads() { deaf_ = true; }
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override {
    if (!deaf_) return below().write_some(bytes, deadline);
    return {0, std::make_error_code(std::errc::timed_out), IoOperation::send};
  }

 private:
  std::atomic<bool> deaf_{false};
};

/// A server's end, and a peer that sends it key updates.
struct FloodedServer {
  FloodedServer() {
    server.settimeout(kTlsBound);
    wires.second->settimeout(kTlsBound);
    auto shaken = std::async(std::launch::async, [this] { return server.handshake(Deadline::after(kTlsBound)); });
    REQUIRE(peer.handshake());
    REQUIRE_FALSE(shaken.get().error);
  }
  /// Sends updates, and reads without a wait: this has to end before all are read.
  void flood(int updates, int kind) {
    for (int i = 0; i < updates; ++i) {
      REQUIRE(SSL_key_update(peer.ssl(), kind) == 1);
      REQUIRE(peer.handshake());
    }
    const std::size_t sent = wires.first->unread().size();
    server.settimeout(Duration::zero());
    CHECK_THROWS_AS(server.recv(100), TimeoutError);
    CHECK(wires.first->unread().size() > sent / 2);
  }

  std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>> wires = MemoryStream::pair();
  DeafPeer deaf{*wires.first};
  TlsStream server{deaf, TlsContext::server(server_options())};
  RawTlsPeer peer{*wires.second};
};

}  // namespace

TEST_CASE("a reader that waits does not hold up a sender") {
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  auto answer = std::async(std::launch::async, [&pair] { return pair.server.recv(100); });
  pair.server.sendall("are you there?\n");
  CHECK(pair.client.recv(100) == "are you there?\n");
  pair.client.sendall("yes\n");
  CHECK(answer.get() == "yes\n");
}

TEST_CASE("several senders and a reader: each message arrives whole") {
  constexpr std::size_t kSenders = 4, kMessages = 20, kLength = 40000;
  TlsPair pair;
  REQUIRE_FALSE(pair.handshake().server.error);
  auto reader = std::async(std::launch::async, [&pair] { return pair.server.recv(100); });
  std::vector<std::future<void>> senders;
  for (std::size_t i = 0; i < kSenders; ++i) {
    senders.push_back(std::async(std::launch::async, [&pair, i] {
      const std::string message(kLength, static_cast<char>('a' + i));
      for (std::size_t n = 0; n < kMessages; ++n) pair.server.sendall(message);
    }));
  }
  std::size_t counts[kSenders] = {};
  for (std::size_t n = 0; n < kSenders * kMessages; ++n) {
    const std::string message = read_exactly(pair.client, kLength);
    REQUIRE(message == std::string(kLength, message.at(0)));
    ++counts[message[0] - 'a'];
  }
  for (const std::size_t count : counts) CHECK(count == kMessages);
  pair.client.sendall("done");
  CHECK(reader.get() == "done");
  for (auto& sender : senders) sender.get();
}

TEST_CASE("a peer's key update changes the keys of both directions") {
  auto wires = MemoryStream::pair();
  TlsStream server(*wires.first, TlsContext::server(server_options()));
  server.settimeout(kTlsBound);
  wires.second->settimeout(kTlsBound);
  auto shaken = std::async(std::launch::async, [&server] { return server.handshake(Deadline::after(kTlsBound)); });
  RawTlsPeer peer(*wires.second);
  REQUIRE(peer.handshake());
  REQUIRE_FALSE(shaken.get().error);
  REQUIRE(SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
  REQUIRE(peer.handshake());
  REQUIRE(peer.send("with new keys"));
  CHECK(server.recv(100) == "with new keys");
  REQUIRE(SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
  REQUIRE(peer.handshake());
  REQUIRE(peer.send("again"));
  CHECK(server.recv(100) == "again");
  server.sendall("here, too");
  CHECK(peer.receive() == "here, too");
}

TEST_CASE("a peer that asks for key updates and reads no answer is no longer read from") {
  FloodedServer flooded;
  flooded.deaf.no_longer_reads();
  flooded.flood(10000, SSL_KEY_UPDATE_REQUESTED);
}

TEST_CASE("a peer that never stops sending key updates does not hold a reader past its deadline") {
  FloodedServer().flood(30000, SSL_KEY_UPDATE_NOT_REQUESTED);
}

TEST_CASE("renegotiation is refused") {
  auto wires = MemoryStream::pair();
  TlsStream server(*wires.first, TlsContext::server(server_options()));
  server.settimeout(kTlsBound);
  wires.second->settimeout(kTlsBound);
  auto received = std::async(std::launch::async, [&server] {
    std::array<std::byte, 100> into{};
    const IoResult first = server.try_recv(into);
    const IoResult second = server.try_recv(into);
    server.shutdown();
    return std::pair(first.bytes, second);
  });
  RawTlsPeer peer(*wires.second, TLS1_2_VERSION);
  REQUIRE(peer.handshake());
  REQUIRE(peer.send("hello"));
  REQUIRE(SSL_renegotiate(peer.ssl()) == 1);
  CHECK_FALSE(peer.handshake());
  CHECK_THAT(peer.reason(), ContainsText("no renegotiation"));
  wires.second->shutdown();
  const auto [bytes, second] = received.get();
  CHECK(bytes == 5);
  CHECK(second.error);
}

TEST_CASE("over sockets with small buffers, much goes both ways at the same time") {
  const OneLoop server;
  SocketStream socket = create_connection({server.running.address()}, {.receive_buffer = 4096, .send_buffer = 4096});
  TlsStream stream(socket, TlsContext::client(client_options()));
  stream.settimeout(kTlsBound);
  const std::string line = std::string(50000, 'x') + "\n";
  std::thread sender([&] {
    for (int i = 0; i < 20; ++i) stream.sendall(line);
    stream.shutdown(ShutdownHow::write);
  });
  const std::string all = read_exactly(stream, 20 * line.size());
  CHECK(all.size() == 20 * line.size());
  CHECK(std::count(all.begin(), all.end(), 'X') == 20 * 50000);
  CHECK(stream.recv(1).empty());
  sender.join();
}

TEST_CASE("a failing connection leaves the others of its loop alone") {
  const OneLoop server;
  OverSocket good(server.running.address());
  good.stream.settimeout(kTlsBound);
  for (int i = 0; i < 10; ++i) {
    good.stream.sendall("half a ");  // the good one waits in the middle of a line meanwhile
    Client plain(server.running.address());
    plain.send("GET / HTTP/1.1\r\n\r\n");
    CHECK_NOTHROW(plain.recv_all());  // up to its end
    const TlsClientOptions unknown_authority{.ca = testing::TestAuthority().certificate(), .server_name = "localhost"};
    CHECK(OverSocket(server.running.address(), unknown_authority).stream.handshake(Deadline::after(kTlsBound)).error);
    good.stream.sendall("line\n");
    CHECK(read_exactly(good.stream, 12) == "HALF A LINE\n");
  }
}
