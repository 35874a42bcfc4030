#pragma once
// The two ends of a TLS connection in memory.

#include <future>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/testing/certificates.hpp>
#include <socketserver/tls/tls_stream.hpp>
#include <string>

namespace testing_support {

inline constexpr std::chrono::seconds kTlsBound(20);

/// One authority for all tests of a program.
inline const socketserver::testing::TestAuthority& authority() {
  static const socketserver::testing::TestAuthority made;
  return made;
}

inline socketserver::TlsServerOptions server_options() {
  return {.certificates = {authority().server({"localhost", "127.0.0.1"})}};
}

inline socketserver::TlsClientOptions client_options() {
  return {.ca = authority().certificate(), .server_name = "localhost"};
}

/// Both run on the steady clock; every wait ends in kTlsBound.
struct TlsPair {
  explicit TlsPair(const socketserver::TlsServerOptions& server_with = server_options(),
                   const socketserver::TlsClientOptions& client_with = client_options())
      : TlsPair(socketserver::TlsContext::server(server_with), socketserver::TlsContext::client(client_with)) {}
  TlsPair(const socketserver::TlsContext& server_context, const socketserver::TlsContext& client_context)
      : wires(socketserver::MemoryStream::pair()),
        server(*wires.first, server_context),
        client(*wires.second, client_context) {
    server.settimeout(kTlsBound);
    client.settimeout(kTlsBound);
  }

  struct Results {
    socketserver::IoResult server, client;
  };
  /// Each end in a thread of its own.
  Results handshake() {
    auto at_server = std::async(std::launch::async, [this] { return end_of(server); });
    const socketserver::IoResult at_client = end_of(client);
    return {at_server.get(), at_client};
  }

  std::pair<std::unique_ptr<socketserver::MemoryStream>, std::unique_ptr<socketserver::MemoryStream>> wires;
  socketserver::TlsStream server;
  socketserver::TlsStream client;

 private:
  /// An end that fails hangs up, as a program does.
  static socketserver::IoResult end_of(socketserver::TlsStream& stream) {
    const socketserver::IoResult result = stream.handshake(socketserver::Deadline::after(kTlsBound));
    if (result.error) stream.shutdown();
    return result;
  }
};

/// Reads until there are so many bytes, or EOF.
inline std::string read_exactly(socketserver::Stream& stream, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) {
    const std::string part = stream.recv(bytes - all.size());
    if (part.empty()) break;
    all += part;
  }
  return all;
}

}  // namespace testing_support
