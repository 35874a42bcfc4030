#pragma once
// What a configuration has to fulfil that no single key of it can tell, and what a program may have filled in wrongly.

#include <optional>
#include <socketserver/server/server_config.hpp>
#include <string>

namespace socketserver::detail {

struct ConfigProblem {
  std::string pointer;  // a JSON pointer to the key, as "/limits/max_line"
  std::string text;
};

/// @returns the first problem, nullopt if a server can have the configuration.
std::optional<ConfigProblem> find_problem(const ServerConfig& config);

}  // namespace socketserver::detail
