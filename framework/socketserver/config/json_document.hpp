#pragma once
// Strict JSON: what nlohmann_json lets pass is an error here, namely duplicate keys, a byte order mark and
// deep nesting.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace socketserver::detail {

using Json = nlohmann::ordered_json;

/// @param file  what errors call the text.
/// @throws ConfigError  with line and column for syntax, else with a pointer.
Json parse_strictly(std::string_view text, std::string_view file);

/// @returns the pointer of a key below a pointer. Source: RFC 6901, section 3.
std::string child_pointer(std::string_view parent, std::string_view key);

}  // namespace socketserver::detail
