// A TLS server on a free port of 127.0.0.1, for tests: answers lines in upper case, one connection at a time, until its
// standard input ends. tls_echo FOLDER writes authority.pem, and client.pem and client.key, into the folder and prints
// its port. "cut" ends the connection without close_notify; "close" with one.

#include <poll.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <socketserver/base/text.hpp>
#include <socketserver/io/reader.hpp>
#include <socketserver/net/listener_set.hpp>
#include <socketserver/net/socket_stream.hpp>
#include <socketserver/testing/certificates.hpp>
#include <socketserver/tls/tls_stream.hpp>
#include <thread>

namespace ss = socketserver;
using namespace std::chrono_literals;

void serve(ss::Stream& connection, const ss::TlsContext& context) {
  ss::TlsStream stream(connection, context);
  stream.settimeout(20s);
  ss::Reader lines(stream);
  while (const auto line = lines.readline()) {
    if (*line == "cut\n") return;
    if (*line == "close\n") break;
    stream.sendall(ss::upper(*line));
  }
  stream.sendall("END\n");
  stream.close();
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string folder = argv[1];
  const ss::testing::TestAuthority authority;
  const ss::TlsCertificate client = authority.client("client");
  std::ofstream(folder + "/authority.pem") << authority.certificate().content();
  std::ofstream(folder + "/client.pem") << client.chain.content();
  std::ofstream(folder + "/client.key") << client.key.content();
  const auto context = ss::TlsContext::server({.certificates = {authority.server({"localhost", "127.0.0.1"})},
                                               .client_ca = authority.certificate(),
                                               .client_certificate = ss::ClientCertificate::request});
  ss::detail::ListenerSet acceptor({.host = "127.0.0.1", .port = 0}, {});
  std::cout << acceptor.address().port() << std::endl;
  std::thread ended([&acceptor] {
    for (char byte = 0; ::read(STDIN_FILENO, &byte, 1) > 0;) {
    }
    acceptor.wake();
  });
  while (acceptor.wait(true, ss::Deadline::never()) != ss::detail::ListenerSet::Event::woken) {
    ss::detail::ListenerSet::Accepted accepted = acceptor.accept();
    if (accepted.error) continue;
    ss::SocketStream connection(std::move(accepted.socket), accepted.peer);
    try {
      serve(connection, context);
    } catch (const ss::StreamError& error) {
      std::cout << error.what() << std::endl;
    }
  }
  ended.join();
  return 0;
}
