// What an idle connection costs.

#include <malloc.h>
#include <sys/socket.h>

#include <socketserver/base/sanitizers.hpp>
#include <socketserver/net/socket_stream.hpp>

#include "support/catch.hpp"
#include "support/tls_pair.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

/// Two ends over a socket, which keeps nothing in this process.
struct SocketPair {
  SocketPair(const TlsContext& server_context, const TlsContext& client_context) {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    server_wire.emplace(FileDescriptor(ends[0]), SocketAddress());
    client_wire.emplace(FileDescriptor(ends[1]), SocketAddress());
    server.emplace(*server_wire, server_context);
    client.emplace(*client_wire, client_context);
    server->settimeout(kTlsBound);
    client->settimeout(kTlsBound);
  }
  void talk() {
    auto at_server = std::async(std::launch::async, [this] {
      CHECK(read_exactly(*server, 16384).size() == 16384);
      server->sendall(std::string(16384, 'x'));
    });
    client->sendall(std::string(16384, 'x'));
    CHECK(read_exactly(*client, 16384).size() == 16384);
    at_server.get();
  }

  std::optional<SocketStream> server_wire, client_wire;
  std::optional<TlsStream> server, client;
};

[[maybe_unused]] std::size_t in_use() { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; }

}  // namespace

TEST_CASE("an idle connection has no buffers") {
#if defined(SOCKETSERVER_ASAN) || defined(SOCKETSERVER_TSAN)
  SUCCEED("a sanitizer's allocator counts otherwise");
#else
  constexpr std::size_t kPairs = 50;
  const TlsContext server = TlsContext::server(server_options());
  const TlsContext client = TlsContext::client(client_options());
  SocketPair(server, client).talk();  // what is made once
  std::vector<std::unique_ptr<SocketPair>> pairs(kPairs);
  const std::size_t before = in_use();
  for (auto& pair : pairs) {
    pair = std::make_unique<SocketPair>(server, client);
    pair->talk();
  }
  const std::size_t both = in_use();
  for (auto& pair : pairs) pair->client.reset();
  const std::size_t server_bytes = (in_use() - before) / kPairs, client_bytes = (both - in_use()) / kPairs;
  CAPTURE(server_bytes, client_bytes);
  CHECK(server_bytes < 40000);  // of which OpenSSL has 14 KiB; a buffer more would be 16 KiB
  // OpenSSL makes a write buffer when tickets arrive, and keeps it until the next write.
  CHECK(client_bytes < 60000);
#endif
}
