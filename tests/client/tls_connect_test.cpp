#include <socketserver/client/tls_connect.hpp>

#include <socketserver/base/text.hpp>
#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/io/reader.hpp>
#include <socketserver/net/listener_set.hpp>

#include "support/catch.hpp"
#include "support/running_server.hpp"
#include "support/tls_pair.hpp"
#include "support/unconnectable.hpp"

using namespace socketserver;
using namespace testing_support;
using detail::ListenerSet;

namespace {

class UpperOverTls : public BaseRequestHandler {
 public:
  explicit UpperOverTls(const TlsContext& context) : context_(context) {}

 protected:
  void handle() override {
    TlsStream stream(request(), context_);
    Reader lines(stream);
    while (const auto line = lines.readline()) stream.sendall(upper(*line));
    stream.close();
  }

 private:
  TlsContext context_;
};

struct Server {
  TlsContext context = TlsContext::server(server_options());
  RunningServer<ThreadingTCPServer<UpperOverTls>> running{local_config(PolicyKind::thread), std::cref(context)};
  std::uint16_t port() { return running.address().port(); }
};

const TlsClientOptions kTrusting{.ca = authority().certificate()};

/// @returns what a connect throws.
template <typename Error>
std::string error_of(const std::string& host, std::uint16_t port, const TlsClientOptions& tls,
                     const ConnectOptions& options = {}) {
  try {
    (void)create_tls_connection(host, port, tls, options);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("create_tls_connection verifies the host that it was given, a name or an address") {
  Server server;
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    TlsStream stream = create_tls_connection(host, server.port(), kTrusting);
    stream.sendall("hello\n");
    CHECK(stream.recv(100) == "HELLO\n");
    CHECK(stream.info().server_name == (host == "localhost" ? host : ""));
    stream.close();
  }
}

TEST_CASE("a context that is used again resumes the session") {
  Server server;
  const TlsContext context = TlsContext::client(kTrusting);
  for (const bool resumed : {false, true, true}) {
    TlsStream stream = create_tls_connection("localhost", server.port(), context);
    CHECK(stream.info().resumed == resumed);
    stream.sendall("hello\n");
    CHECK(stream.recv(100) == "HELLO\n");
    stream.close();
  }
}

TEST_CASE("a connection that cannot be verified says why, and for which name") {
  Server server;
  TlsClientOptions other = kTrusting;
  other.server_name = "example.com";
  const std::string name = error_of<StreamError>("localhost", server.port(), other);
  CHECK_THAT(name, ContainsText("expected a certificate for example.com"));
  CHECK_THAT(name, ContainsText("hostname mismatch"));
  const std::string system = error_of<StreamError>("localhost", server.port(), {});
  CHECK_THAT(system, ContainsText("expected a certificate for localhost"));
  CHECK_THAT(system, ContainsText("unable to get local issuer certificate"));
}

TEST_CASE("the handshake is within the connect timeout") {
  const ListenerSet silent({.host = "127.0.0.1", .port = 0}, {});  // the kernel completes the connection
  const std::string error = error_of<TimeoutError>("127.0.0.1", silent.address().port(), kTrusting,
                                                   {.connect_timeout = std::chrono::milliseconds(100)});
  CHECK_THAT(error, ContainsText("no TLS handshake within the connect timeout of 0.1 s"));
}
