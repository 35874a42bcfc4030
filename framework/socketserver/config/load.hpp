#pragma once
// From a JSON document to a ServerConfig, strictly: what is not understood is an error that names the place.

#include <socketserver/base/errors.hpp>
#include <socketserver/base/visibility.hpp>
#include <socketserver/server/server_config.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

/// A value that replaces one of the document's, as from a command line.
struct ConfigOverride {
  std::string pointer;  ///< which key, e.g. "/listen/port"
  std::string json;     ///< its value, e.g. "9999" or "\"localhost\""
  std::string source;   ///< names the origin in errors, e.g. "--port"
};
/// Applied in this order, after the document: of two for one key the later holds.
using ConfigOverrides = std::vector<ConfigOverride>;

/// Reads a configuration file of at most 16 MiB. Keys it leaves out have ServerConfig's defaults.
/// @throws ConfigError  the first thing that is wrong, in the order of the document.
ServerConfig load_config(const std::string& path, const ConfigOverrides& overrides = {});
/// The same from a text. @param name  what errors call it.
ServerConfig parse_config(std::string_view text, const ConfigOverrides& overrides = {},
                          std::string_view name = "<text>");

/// @returns the configuration as a JSON document with every key, which loads as the same configuration.
std::string to_json(const ServerConfig& config);
/// @returns the JSON Schema (draft 2020-12) of a configuration.
std::string config_schema();
/// @returns a line for each key: pointer, what it takes, default, description. For --help.
std::string config_help();
/// @returns the same as a Markdown table. For the documents.
std::string config_markdown();

}  // namespace socketserver
