#pragma once
// The one table of configuration keys. Loading, --help, the schema and the documents all come from it.

#include <cstddef>
#include <socketserver/config/json_document.hpp>
#include <socketserver/server/server_config.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace socketserver::detail {

/// The one section that may be an array of objects: an entry each.
inline constexpr std::string_view kListen = "listen";
inline constexpr std::size_t kMaxListeners = 64;

enum class KeyType { boolean, integer, seconds, text, choice, networks, texts, certificates, object };

struct Key {
  std::string_view section;  // "listen"; "" for a key at the root
  std::string_view name;
  KeyType type;
  bool nullable;  // null is none, or the system's default
  double min;     // integer and seconds; unused otherwise
  double max;
  std::vector<std::string_view> choices;  // for choice
  std::string_view unit;                  // "bytes", or ""
  std::string_view description;
  // Of "listen" these are the first entry's.
  Json (*get)(const ServerConfig&);
  // @throws std::invalid_argument for what type and range cannot tell
  void (*set)(ServerConfig&, const Json&);
  std::string_view pattern{};  // of texts: the regular expression (ECMA-262) for what set takes; "" for any text

  std::string pointer() const;
};

/// In the order of the document.
std::span<const Key> key_table();

/// @returns what a key takes, e.g. "a whole number from 0 to 65535, or null".
std::string accepted_text(const Key& key);

}  // namespace socketserver::detail
