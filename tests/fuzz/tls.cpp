#include <socketserver/io/memory_stream.hpp>
#include <socketserver/testing/certificates.hpp>
#include <socketserver/tls/tls_stream.hpp>
#include <vector>

#include "fuzz/targets.hpp"

using namespace socketserver;

namespace {

const TlsContext& context() {
  static const testing::TestAuthority authority;
  static const TlsContext made = TlsContext::server({.certificates = {authority.server({"localhost", "*.example"})},
                                                     .client_ca = authority.certificate(),
                                                     .client_certificate = ClientCertificate::request,
                                                     .alpn = {"one", "two"}});
  return made;
}

std::vector<PeerStep> in_chunks(std::string_view bytes, std::size_t chunk) {
  std::vector<PeerStep> steps;
  for (std::size_t begin = 0; begin < bytes.size(); begin += chunk) {
    steps.emplace_back(std::string(bytes.substr(begin, chunk)));
  }
  return steps;
}

}  // namespace

void fuzz::tls(Bytes bytes) {
  Dice dice(bytes);
  const std::size_t chunk = 1 + dice.below(64) * 16;
  MemoryStream wire(in_chunks(dice.text(bytes.size()), chunk));
  TlsStream stream(wire, context());
  stream.settimeout(std::chrono::seconds(10));
  std::array<std::byte, 100> into{};
  const IoResult result = stream.try_recv(into);
  require(result.bytes == 0, "no plain text comes before a handshake");
  require(static_cast<bool>(result.error), "a peer that does not answer the server's part is no clean end");
  require(!stream.established(), "a handshake needs the server's random bytes");
  require(stream.try_recv(into).error == result.error, "an error lasts");
  stream.close();
  require(wire.closed(), "the stream below is closed");
}
