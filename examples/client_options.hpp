#pragma once
// What the example clients share: options that are checked, and the exit status.

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <optional>
#include <socketserver/socketserver.hpp>
#include <stdexcept>
#include <string>

namespace examples {

/// Adds the server's host and port, both required.
inline void add_server(CLI::App& app, std::string& host, std::uint16_t& port) {
  app.add_option("host", host, "The server: a name, IPv4 or IPv6")->required();
  app.add_option("port", port, "Its port")->required()->check(CLI::Range(1, 65535));
}

/// Adds --NAME SECONDS, and --no-NAME for a wait without an end.
inline void add_timeout(CLI::App& app, const std::string& name, std::optional<socketserver::Duration>& timeout,
                        const std::string& meaning) {
  const auto set = [&timeout, name](double value) {
    // Not CLI::Range, which lets nan pass.
    if (!(value >= 0.001 && value <= 1e6)) throw CLI::ValidationError("--" + name, "takes 0.001 to 1000000 seconds");
    timeout = std::chrono::duration_cast<socketserver::Duration>(std::chrono::duration<double>(value));
  };
  CLI::Option* seconds = app.add_option_function<double>("--" + name, set, meaning);
  app.add_flag_callback(
         "--no-" + name, [&timeout] { timeout.reset(); }, "Wait without this bound")
      ->excludes(seconds);
}

/// Takes the place of standard streams that are closed, which a connection would have, with what was to be printed.
inline void occupy_standard_streams() {
  int fd = 0;
  while (fd >= 0 && fd <= 2) fd = ::open("/dev/null", O_RDONLY);  // so that printing fails
  if (fd > 2) ::close(fd);
}

/// @returns 0. @throws std::runtime_error  what was printed could not be written.
inline int printed() {
  if (!std::cout.flush()) throw std::runtime_error("cannot write to standard output");
  return 0;
}

/// Parses the command line and talks.
/// @returns talk's status; 0 for --help; 1 if it threw, 2 for bad usage, with one line on standard error.
template <typename Talk>
int run_client(CLI::App& app, int argc, char** argv, Talk talk) {
  occupy_standard_streams();
  try {
    app.parse(argc, argv);
    return talk();
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    std::cerr << app.get_name() << ": " << socketserver::escaped(error.what()) << '\n';
    return dynamic_cast<const CLI::Error*>(&error) != nullptr ? 2 : 1;
  }
}

}  // namespace examples
