// Sends a line and a binary record, and prints the echo. Try: struct_client 127.0.0.1 9999 hello --syn-retries 2
// Exit status: 0 sent and echoed; 1 the connection or the echo failed; 2 bad usage. Each option is one of
// ConnectOptions.

#include "client_options.hpp"

namespace ss = socketserver;
using Record = ss::Struct<"! I 2s Q 2h f">;

int talk(const std::string& host, std::uint16_t port, const std::string& line, const ss::ConnectOptions& options) {
  ss::SocketStream stream = ss::create_connection(host, port, options);
  ss::Reader echo(stream);
  stream.sendall(line);
  // Before the record is sent: a plain recv(1024) at the other end would take both.
  if (echo.readline() != line) throw std::runtime_error("the server has not echoed the line");
  std::cout << line;
  stream.sendall(Record::pack(1, "ab", 2, 3, 3, 2.5));
  stream.shutdown(ss::ShutdownHow::write);
  for (std::string rest = echo.read(1024); !rest.empty(); rest = echo.read(1024)) std::cout << rest;
  return examples::printed();
}

std::string check_line(const std::string& data) {
  const bool fits = data.size() < 1024 && data.find('\n') == std::string::npos;
  return fits ? "" : "is one line of at most 1023 bytes";  // the server receives 1024, the end of the line included
}

int main(int argc, char** argv) {
  std::string host, data = "data";
  std::uint16_t port = 0, bind_port = 0;
  std::optional<std::string> bind;
  ss::ConnectOptions options;
  bool verbose = false;
  CLI::App app("Sends a line and a record to a server and prints the echo.", "struct_client");
  examples::add_server(app, host, port);
  app.add_option("data", data, "The line to send")->check(check_line);
  examples::add_timeout(app, "connect-timeout", options.connect_timeout, "Seconds to connect; 10 if left out");
  examples::add_timeout(app, "io-timeout", options.io_timeout, "Seconds for each wait; 30 if left out");
  app.add_option("--syn-retries", options.syn_retries, "How often the kernel tries again")->check(CLI::Range(1, 127));
  app.add_flag("--reuse-address,!--no-reuse-address", options.reuse_address, "SO_REUSEADDR");
  app.add_flag("--nodelay,!--no-nodelay", options.nodelay, "TCP_NODELAY, on if left out");
  app.add_option("--receive-buffer", options.receive_buffer, "SO_RCVBUF in bytes")->check(CLI::PositiveNumber);
  app.add_option("--send-buffer", options.send_buffer, "SO_SNDBUF in bytes")->check(CLI::PositiveNumber);
  CLI::Option* from = app.add_option("--bind", bind, "The source address");
  app.add_option("--bind-port", bind_port, "And its port")->check(CLI::Range(1, 65535))->needs(from);
  app.add_flag("--verbose", verbose, "Say on standard error what was asked, granted, sent and received");
  return examples::run_client(app, argc, argv, [&] {
    ss::Logger log({.level = verbose ? ss::LogLevel::debug : ss::LogLevel::info});
    options.log = &log;
    if (bind) options.bind = ss::SourceAddress(*bind, bind_port);
    return talk(host, port, data + "\n", options);
  });
}
