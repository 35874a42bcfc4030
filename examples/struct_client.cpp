// Sends a line and a binary record, and prints the echo. Try: struct_client 127.0.0.1 9999 hello --syn-retries 2
// Exit status: 0 sent and echoed; 1 the connection failed; 2 bad usage. Each option is a member of ConnectOptions.

#include <CLI/CLI.hpp>
#include <iostream>
#include <socketserver/socketserver.hpp>

namespace ss = socketserver;
using Record = ss::Struct<"! I 2s Q 2h f">;

int talk(const std::string& host, std::uint16_t port, const std::string& data, const ss::ConnectOptions& options) {
  ss::SocketStream stream = ss::create_connection(host, port, options);
  stream.sendall(data + "\n");
  std::cout << stream.recv(1024);  // before the record is sent: a plain recv(1024) at the other end would take both
  stream.sendall(Record::pack(1, "ab", 2, 3, 3, 2.5));
  stream.shutdown(ss::ShutdownHow::write);
  for (std::string rest = stream.recv(1024); !rest.empty(); rest = stream.recv(1024)) std::cout << rest;
  return std::cout.flush() ? 0 : 1;
}

int main(int argc, char** argv) {
  std::string host, data = "data";
  std::uint16_t port = 0;
  ss::ConnectOptions options;
  bool verbose = false;
  CLI::App app("Sends a line and a record to a server and prints the echo.");
  const auto seconds = [&app](const char* name, std::optional<ss::Duration>& timeout, const char* meaning) {
    const auto set = [&timeout](double value) {
      timeout = std::chrono::duration_cast<ss::Duration>(std::chrono::duration<double>(value));
    };
    app.add_option_function<double>(name, set, meaning)->check(CLI::Range(0.001, 1e6));
  };
  app.add_option("host", host, "The server: a name, IPv4 or IPv6")->required();
  app.add_option("port", port, "Its port")->required()->check(CLI::Range(1, 65535));
  app.add_option("data", data, "The line to send");
  seconds("--connect-timeout", options.connect_timeout, "Seconds for name and connection; 10 if left out");
  app.add_flag_function(
      "--no-connect-timeout", [&](auto) { options.connect_timeout.reset(); }, "As the kernel has it");
  seconds("--io-timeout", options.io_timeout, "Seconds for each wait; 30 if left out");
  app.add_option("--syn-retries", options.syn_retries, "How often the kernel tries again")->check(CLI::Range(1, 127));
  app.add_flag("--reuse-address,!--no-reuse-address", options.reuse_address, "SO_REUSEADDR");
  app.add_flag("--nodelay,!--no-nodelay", options.nodelay, "TCP_NODELAY, on if left out");
  app.add_option("--receive-buffer", options.receive_buffer, "SO_RCVBUF in bytes")->check(CLI::PositiveNumber);
  app.add_option("--send-buffer", options.send_buffer, "SO_SNDBUF in bytes")->check(CLI::PositiveNumber);
  app.add_option_function<std::string>(
      "--bind", [&](const auto& from) { options.bind = from; }, "The source address");
  app.add_flag("--verbose", verbose, "Say on standard error what was asked, granted, sent and received");
  try {
    app.parse(argc, argv);
    ss::Logger log({.level = verbose ? ss::LogLevel::debug : ss::LogLevel::info});
    options.log = &log;
    return talk(host, port, data, options);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    std::cerr << "struct_client: " << ss::escaped(error.what()) << '\n';
    return dynamic_cast<const CLI::Error*>(&error) != nullptr ? 2 : 1;
  }
}
