// Sends a text and prints the answer. Try: uppercase_client 127.0.0.1 9999 'hello, world'
// Exit status: 0 answered; 1 the connection failed; 2 bad usage.

#include <CLI/CLI.hpp>
#include <iostream>
#include <socketserver/socketserver.hpp>

namespace ss = socketserver;

int talk(const std::string& host, std::uint16_t port, const std::string& data, const ss::ConnectOptions& options) {
  ss::SocketStream stream = ss::create_connection(host, port, options);
  stream.sendall(data);
  stream.shutdown(ss::ShutdownHow::write);  // the end of what is asked, so that the server ends its answer
  for (std::string part = stream.recv(65536); !part.empty(); part = stream.recv(65536)) std::cout << part;
  return std::cout.flush() ? 0 : 1;
}

int main(int argc, char** argv) {
  std::string host, data;
  std::uint16_t port = 0;
  double connect_timeout = 10;
  CLI::App app("Sends a text to a server and prints the answer.");
  app.add_option("host", host, "The server: a name, IPv4 or IPv6")->required();
  app.add_option("port", port, "Its port")->required()->check(CLI::Range(1, 65535));
  app.add_option("data", data, "What to send")->required();
  app.add_option("--connect-timeout", connect_timeout, "Seconds")->check(CLI::Range(0.001, 1e6))->capture_default_str();
  try {
    app.parse(argc, argv);
    const auto timeout = std::chrono::duration_cast<ss::Duration>(std::chrono::duration<double>(connect_timeout));
    return talk(host, port, data, {.connect_timeout = timeout});
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    std::cerr << "uppercase_client: " << ss::escaped(error.what()) << '\n';
    return dynamic_cast<const CLI::Error*>(&error) != nullptr ? 2 : 1;
  }
}
