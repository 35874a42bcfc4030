#include "options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdlib>

namespace bench {
namespace {

void describe(CLI::App& app, Options& options, double& warm_up, double& duration, double& patience) {
  app.add_option("mode", options.mode, "what the clients do")
      ->required()
      ->check(CLI::IsMember({"steady", "churn", "idle"}));
  app.add_option("--port", options.port, "the server's port on 127.0.0.1")->required();
  app.add_option("--server", options.server, "the server's process id")->required();
  app.add_option("--core", options.core, "the core to run on");
  app.add_option("--connections", options.connections, "how many clients")->check(CLI::Range(1, 1000000));
  app.add_option("--depth", options.depth, "unanswered lines per client")->check(CLI::Range(1, 100000));
  app.add_option("--line-bytes", options.line_bytes, "a line's size, with its end")->check(CLI::Range(17, 1 << 24));
  app.add_option("--slow-connections", options.slow_connections, "slow clients in addition to the measured ones");
  app.add_option("--warm-up", warm_up, "seconds before measuring");
  app.add_option("--duration", duration, "seconds of measuring");
  app.add_option("--patience", patience, "seconds without progress before the run has failed");
}

}  // namespace

Options read_options(int argc, char** argv) {
  Options options;
  double warm_up = options.warm_up.count();
  double duration = options.duration.count();
  double patience = options.patience.count();
  CLI::App app("Loads a server that answers lines in upper case, checks every answer, and prints figures as JSON.");
  describe(app, options, warm_up, duration, patience);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  options.warm_up = std::chrono::duration<double>(warm_up);
  options.duration = std::chrono::duration<double>(duration);
  options.patience = std::chrono::duration<double>(patience);
  return options;
}

}  // namespace bench
