// Sends lines to a TLS server and prints the answers. Try: tls_client --ca authority.pem localhost 9443 'hello, world'
// Without lines it sends those of its standard input, one at a time, each after the answer to the one before.
// Exit status: 0 answered; 1 the connection failed, or an answer is missing; 2 bad usage.

#include <socketserver/client/tls_connect.hpp>
#include <socketserver/io/reader.hpp>

#include "client_options.hpp"

namespace ss = socketserver;

void ask(ss::TlsStream& server, ss::Reader& answers, const std::string& line) {
  server.sendall(line + "\n");
  const auto answer = answers.readline();
  if (!answer) throw std::runtime_error("the server closed the connection instead of an answer");
  std::cout << *answer;
}

int talk(const std::string& host, std::uint16_t port, const std::vector<std::string>& lines,
         const ss::TlsClientOptions& tls, const ss::ConnectOptions& options) {
  ss::TlsStream server = ss::create_tls_connection(host, port, tls, options);
  ss::Reader answers(server);
  for (const std::string& line : lines) ask(server, answers, line);
  if (lines.empty()) {
    for (std::string line; std::getline(std::cin, line);) ask(server, answers, line);
  }
  server.close();  // with a close_notify: the server knows that this was all
  return examples::printed();
}

int main(int argc, char** argv) {
  std::string host, ca, certificate, key;
  std::vector<std::string> lines;
  std::uint16_t port = 0;
  ss::TlsClientOptions tls;
  ss::ConnectOptions options;
  CLI::App app("Sends lines to a TLS server and prints the answers.", "tls_client");
  examples::add_server(app, host, port);
  app.add_option("lines", lines, "What to send; standard input if left out");
  app.add_option("--ca", ca, "The authorities to trust, a PEM file; the system's if left out");
  auto* with = app.add_option("--certificate", certificate, "This client's certificate, a PEM file");
  app.add_option("--key", key, "Its key, a PEM file")->needs(with);
  app.add_option("--server-name", tls.server_name, "The name in the server's certificate; HOST if left out");
  examples::add_timeout(app, "connect-timeout", options.connect_timeout, "Seconds to connect; 10 if left out");
  examples::add_timeout(app, "io-timeout", options.io_timeout, "Seconds for each wait; 30 if left out");
  return examples::run_client(app, argc, argv, [&] {
    if (!ca.empty()) tls.ca = ca;
    if (!certificate.empty()) tls.certificate = ss::TlsCertificate{certificate, key.empty() ? certificate : key};
    return talk(host, port, lines, tls, options);
  });
}
