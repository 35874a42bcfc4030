// Sends a text and prints the answer. Try: uppercase_client 127.0.0.1 9999 'hello, world'
// Exit status: 0 answered; 1 the connection failed, or nothing was answered; 2 bad usage.

#include "client_options.hpp"

namespace ss = socketserver;

int talk(const std::string& host, std::uint16_t port, const std::string& data, const ss::ConnectOptions& options) {
  ss::SocketStream stream = ss::create_connection(host, port, options);
  stream.sendall(data);
  stream.shutdown(ss::ShutdownHow::write);  // the end of what is asked, so that the server ends its answer
  std::size_t answered = 0;
  for (std::string part = stream.recv(65536); !part.empty(); part = stream.recv(65536)) {
    answered += part.size();
    std::cout << part;
  }
  if (answered == 0 && !data.empty()) throw std::runtime_error("the server answered nothing");
  return examples::printed();
}

int main(int argc, char** argv) {
  std::string host, data;
  std::uint16_t port = 0;
  ss::ConnectOptions options;
  CLI::App app("Sends a text to a server and prints the answer.", "uppercase_client");
  examples::add_server(app, host, port);
  app.add_option("data", data, "What to send")->required();
  examples::add_timeout(app, "connect-timeout", options.connect_timeout, "Seconds to connect; 10 if left out");
  examples::add_timeout(app, "io-timeout", options.io_timeout, "Seconds for each wait; 30 if left out");
  return examples::run_client(app, argc, argv, [&] { return talk(host, port, data, options); });
}
