#include <socketserver/cli/serve_main.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <socketserver/base/text.hpp>
#include <socketserver/config/load.hpp>
#include <socketserver/server/server_tls.hpp>
#include <string>
#include <vector>

namespace socketserver::detail {
namespace {

enum Status { kDrained = 0, kNotStarted = 1, kBadUsage = 2, kForced = 3 };

struct Options {
  std::optional<std::string> config_file;
  std::vector<std::string> sets;
  bool check = false;
  bool print_config = false;
  bool print_schema = false;
  // In the order of the table below.
  std::vector<std::optional<std::string>> shortcuts;
};

/// An option that stands for one key.
struct Shortcut {
  const char* option;
  const char* pointer;
  const char* help;
  bool is_text;  // its value is a JSON string, and is given without quotes
};
constexpr Shortcut kShortcuts[] = {
    {"--host", "/listen/host", "Listen on this address", true},
    {"--port", "/listen/port", "Listen on this port", false},
    {"--policy", "/concurrency/policy", "Run connections by this policy", true},
    {"--threads", "/concurrency/threads", "Number of fiber loops or pool workers", false},
    {"--log-level", "/log/level", "Log from this level on", true},
};

void declare(CLI::App& app, Options& options) {
  app.set_version_flag("--version", SOCKETSERVER_VERSION);
  app.set_help_flag("--help", "Print this and exit");
  app.option_defaults()->take_last();  // a script's arguments can be followed by a person's
  app.add_option("--config", options.config_file, "Read the configuration from this JSON file")->type_name("FILE");
  options.shortcuts.resize(std::size(kShortcuts));
  for (std::size_t i = 0; i < options.shortcuts.size(); ++i) {
    const Shortcut& shortcut = kShortcuts[i];
    app.add_option(shortcut.option, options.shortcuts[i], concat(shortcut.help, " (", shortcut.pointer, ")"));
  }
  app.add_option("--set", options.sets, "Set any key, e.g. --set /timeouts/idle=5 (repeatable)")
      ->type_name("/POINTER=JSON")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  app.add_flag("--check", options.check, "Check the configuration and exit");
  app.add_flag("--print-config", options.print_config, "Print the configuration in force and exit");
  app.add_flag("--print-schema", options.print_schema, "Print the JSON Schema of a configuration and exit");
  app.footer([] { return concat("Configuration keys and their defaults:\n", config_help()); });
}

/// @returns a JSON string. Text that is not UTF-8 is left for the parser to name.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

ConfigOverride parse_set(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (!text.starts_with('/') || equals == std::string::npos) {
    throw ConfigError({"--set", ""}, concat("got ", text, "; takes /pointer=json, as /listen/port=9999"));
  }
  return {text.substr(0, equals), text.substr(equals + 1), "--set"};
}

/// --set changes come after the shortcuts, in their order.
ConfigOverrides overrides_of(const Options& options) {
  ConfigOverrides overrides;
  for (std::size_t i = 0; i < options.shortcuts.size(); ++i) {
    const Shortcut& shortcut = kShortcuts[i];
    if (const auto& value = options.shortcuts[i]) {
      overrides.push_back({shortcut.pointer, shortcut.is_text ? json_string(*value) : *value, shortcut.option});
    }
  }
  for (const std::string& set : options.sets) overrides.push_back(parse_set(set));
  return overrides;
}

int serve(const ServerConfig& config, MakeServer& make) {
  std::unique_ptr<BaseServer> server;
  try {
    server = make(config);
  } catch (const TlsContextError&) {
    throw;
  } catch (const std::exception& error) {
    std::cerr << "failed to start: " << escaped(error.what()) << '\n';
    return kNotStarted;
  }
  try {
    return server->serve_until_signal().forced > 0 ? kForced : kDrained;
  } catch (const std::exception& error) {
    server->log().error(concat("stopped by an error: ", error.what()));
    return kNotStarted;
  }
}

/// A process started without standard streams would have its sockets where libraries write messages.
void open_standard_streams() {
  for (int fd = 0; fd >= 0 && fd <= STDERR_FILENO;) {
    fd = ::open("/dev/null", O_RDWR);
    if (fd > STDERR_FILENO) ::close(fd);
  }
}

/// @throws TlsContextError.
void check_certificates(const ServerConfig& config) {
  for (const std::string& warning : detail::ServerTls(config).warnings())
    std::cerr << "warning: " << escaped(warning) << '\n';
}

int run(const Options& options, MakeServer& make, Configure& configure) {
  if (options.print_schema) {
    std::cout << config_schema();
    return kDrained;
  }
  const ConfigOverrides overrides = overrides_of(options);
  const ServerConfig config =
      options.config_file ? load_config(*options.config_file, overrides) : parse_config("{}", overrides, "defaults");
  if (options.print_config) std::cout << to_json(config);
  if (options.check || !options.print_config) configure(config);
  if (options.check) check_certificates(config);
  if (options.check)
    std::cerr << (options.config_file ? escaped(*options.config_file) : "the configuration") << " is valid\n";
  if (options.check || options.print_config) return kDrained;
  return serve(config, make);
}

}  // namespace

int serve_command_line(int argc, char** argv, MakeServer make, Configure configure) {
  open_standard_streams();
  CLI::App app("A TCP server. It stops, and drains, at SIGINT or SIGTERM.");
  Options options;
  declare(app, options);
  try {
    app.parse(argc, argv);
    return run(options, make, configure);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ExtrasError&) {  // whose text has them in reverse
    std::cerr << "unexpected argument: " << escaped(app.remaining().front()) << "; --help lists the options\n";
    return kBadUsage;
  } catch (const CLI::ParseError& error) {
    std::cerr << escaped(error.what()) << "; --help lists the options\n";
    return kBadUsage;
  } catch (const TlsContextError& error) {
    std::cerr << "/tls: " << escaped(error.what()) << '\n';
    return kBadUsage;
  } catch (const ConfigError& error) {
    std::cerr << error.what() << '\n';
    return kBadUsage;
  }
}

void exit_with_handlers_running(BaseServer& server, std::size_t running) {
  server.log().error(concat("exiting with ", running, " handlers still running"));
  std::_Exit(kForced);
}

}  // namespace socketserver::detail
