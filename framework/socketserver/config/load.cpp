#include <socketserver/config/load.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <socketserver/base/text.hpp>
#include <socketserver/config/key_table.hpp>
#include <socketserver/config/listen_keys.hpp>
#include <socketserver/server/validate_config.hpp>
#include <stdexcept>
#include <utility>

namespace socketserver {
namespace {

using detail::child_pointer;
using detail::Json;
using detail::Key;
using detail::KeyType;

constexpr std::size_t kMaxFile = 16 << 20;

[[noreturn]] void fail(std::string_view file, std::string pointer, std::string_view problem) {
  throw ConfigError({std::string(file), std::move(pointer)}, problem);
}

const Key* find_key(std::string_view section, std::string_view name) {
  for (const Key& key : detail::key_table()) {
    if (key.section == section && key.name == name) return &key;
  }
  return nullptr;
}

bool is_section(std::string_view name) {
  for (const Key& key : detail::key_table()) {
    if (!key.section.empty() && key.section == name) return true;
  }
  return false;
}

/// The known pointer that is most like an unknown one: the same name elsewhere, or a slip of the pen.
std::string nearest_pointer(std::string_view section, std::string_view name) {
  std::string best;
  std::size_t least = std::string::npos;
  const auto consider = [&](std::string_view known, std::size_t distance, const std::string& pointer) {
    if (distance > 2 * (1 + known.size() / 3) || distance >= least) return;
    least = distance;
    best = pointer;
  };
  for (const Key& key : detail::key_table()) {
    // A key of the same section wins over an equally near one of another.
    consider(key.name, 2 * edit_distance(name, key.name) + (key.section == section ? 0 : 1), key.pointer());
    if (section.empty() && !key.section.empty()) {
      consider(key.section, 2 * edit_distance(name, key.section), child_pointer("", key.section));
    }
  }
  return best;
}

/// @param parent  the section's pointer, which an entry of an array has another of.
[[noreturn]] void fail_unknown(std::string_view file, std::string_view section, const std::string& parent,
                               std::string_view name) {
  const std::string nearest = nearest_pointer(section, name);
  const std::string hint = nearest.empty() ? "" : concat("; did you mean ", nearest, "?");
  fail(file, child_pointer(parent, name), concat("there is no such key", hint));
}

template <typename Predicate>
bool is_array_of(const Json& value, Predicate is_one) {
  return value.is_array() && std::all_of(value.begin(), value.end(), is_one);
}

bool is_short_text(const Json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return !text.empty() && text.size() <= 255 && text.find('\0') == std::string::npos;
}

bool is_path(const Json& value) { return value.is_string() && !value.get_ref<const std::string&>().empty(); }

bool is_certificate(const Json& value) {
  return value.is_object() && value.size() == 2 && value.contains("chain") && value.contains("key") &&
         is_path(value["chain"]) && is_path(value["key"]);
}

bool fits(const Key& key, const Json& value) {
  if (value.is_null()) return key.nullable;
  switch (key.type) {
    case KeyType::boolean: return value.is_boolean();
    case KeyType::text: return value.is_string();
    case KeyType::object: return value.is_object();
    case KeyType::networks: return is_array_of(value, [](const Json& each) { return each.is_string(); });
    case KeyType::texts: return is_array_of(value, is_short_text);
    case KeyType::certificates: return is_array_of(value, is_certificate);
    case KeyType::integer:
    case KeyType::seconds: {
      if (!value.is_number()) return false;
      const auto number = value.get<double>();
      if (key.type == KeyType::integer && number != std::trunc(number))
        return false;  // 1e3 is one, as to a JSON Schema
      return number >= key.min && number <= key.max;
    }
    case KeyType::choice:
      for (const std::string_view choice : key.choices) {
        if (value == choice) return true;
      }
      return false;
  }
  return false;
}

std::string text_of(const Json& value) {
  return escaped(value.is_structured() ? (value.is_array() ? "an array" : "an object") : value.dump(), 100);
}

/// @param pointer  where the value is, for errors.
void apply(ServerConfig& config, const Key& key, const Json& value, std::string_view file, const std::string& pointer) {
  if (!fits(key, value)) fail(file, pointer, concat("got ", text_of(value), "; takes ", accepted_text(key)));
  try {
    key.set(config, value);
  } catch (const std::invalid_argument& error) {
    fail(file, pointer, error.what());
  }
}

/// @param pointer  the section's.
void apply_section(ServerConfig& config, std::string_view section, const Json& values, std::string_view file,
                   const std::string& pointer) {
  if (!values.is_object()) fail(file, pointer, concat("got ", text_of(values), "; takes an object of keys"));
  for (const auto& [name, value] : values.items()) {
    const Key* key = find_key(section, name);
    if (key == nullptr) fail_unknown(file, section, pointer, name);
    apply(config, *key, value, file, child_pointer(pointer, name));
  }
}

/// A key that does not apply to an entry would be ignored there.
void check_entry(const ListenOptions& entry, const Json& values, std::string_view file, const std::string& pointer) {
  for (const auto& [name, value] : values.items()) {
    if (!entry.path.empty() && detail::is_tcp_key(name)) {
      fail(file, child_pointer(pointer, name), "does not apply to a Unix socket, and the entry has a path");
    }
  }
}

/// @param pointer  the entry's.
ListenOptions parse_entry(const Json& values, std::string_view file, const std::string& pointer) {
  ServerConfig one;
  apply_section(one, detail::kListen, values, file, pointer);
  check_entry(one.listen.front(), values, file, pointer);
  return std::move(one.listen.front());
}

/// One entry, or an array of them.
void apply_listen(ServerConfig& config, const Json& value, std::string_view file) {
  const std::string pointer = child_pointer("", detail::kListen);
  if (!value.is_array()) {
    config.listen = {parse_entry(value, file, pointer)};
    return;
  }
  if (value.empty() || value.size() > detail::kMaxListeners) {
    fail(file, pointer, concat("got ", value.size(), " entries; takes 1 to ", detail::kMaxListeners));
  }
  std::vector<ListenOptions> entries;
  for (std::size_t i = 0; i < value.size(); ++i) {
    entries.push_back(parse_entry(value[i], file, child_pointer(pointer, std::to_string(i))));
  }
  config.listen = std::move(entries);
}

/// Once all changes are in.
void check_listen(const ServerConfig& config, std::string_view file) {
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    const ListenOptions& entry = config.listen[i];
    const bool file_bound = !entry.path.empty() && !entry.path.starts_with('@');
    if (!entry.mode || file_bound) continue;
    const std::string at = config.listen.size() == 1 ? "/listen/mode" : concat("/listen/", i, "/mode");
    fail(file, at, "applies to a Unix socket's file, and the entry has none");
  }
}

void apply_document(ServerConfig& config, const Json& document, std::string_view file) {
  if (!document.is_object()) fail(file, "", "the root is not an object");
  for (const auto& [name, value] : document.items()) {
    if (name == "$schema") {
      if (!value.is_string()) fail(file, "/$schema", "takes a string");
    } else if (is_section(name)) {
      name == detail::kListen ? apply_listen(config, value, file)
                              : apply_section(config, name, value, file, child_pointer("", name));
    } else if (const Key* key = find_key("", name)) {
      apply(config, *key, value, file, key->pointer());
    } else {
      fail_unknown(file, "", "", name);
    }
  }
}

/// A change of one key of a listen entry: "/listen/1/port", and "/listen/port" for the first.
/// @returns false if the pointer is none.
bool apply_to_entry(ServerConfig& config, const ConfigOverride& change, const Json& value) {
  std::string_view rest = change.pointer;
  if (!rest.starts_with("/listen/")) return false;
  rest.remove_prefix(8);
  const std::size_t slash = rest.find('/');
  std::size_t entry = 0;
  if (slash != std::string_view::npos) {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + slash, entry);
    if (error != std::errc() || end != rest.data() + slash) return false;
    rest.remove_prefix(slash + 1);
  }
  const Key* key = find_key(detail::kListen, rest);
  if (key == nullptr) return false;
  const std::size_t count = config.listen.size();
  if (entry >= count) fail(change.source, change.pointer, concat("there is no such entry, the last is ", count - 1));
  ServerConfig one;
  one.listen = {config.listen[entry]};
  if (!one.listen.front().path.empty() && detail::is_tcp_key(rest)) {
    fail(change.source, change.pointer, "does not apply to a Unix socket, and the entry has a path");
  }
  apply(one, *key, value, change.source, change.pointer);
  config.listen[entry] = std::move(one.listen.front());
  return true;
}

void apply_override(ServerConfig& config, const ConfigOverride& change) {
  const auto value = [&change] {
    return detail::parse_strictly(change.json, concat(change.source, " ", change.pointer));
  };
  if (change.pointer == "/listen") return apply_listen(config, value(), change.source);
  if (change.pointer.starts_with("/listen/") && apply_to_entry(config, change, value())) return;
  for (const Key& key : detail::key_table()) {
    if (key.pointer() == change.pointer) return apply(config, key, value(), change.source, change.pointer);
  }
  const std::string_view path = std::string_view(change.pointer).substr(change.pointer.starts_with('/') ? 1 : 0);
  const std::size_t slash = path.find('/');
  if (is_section(path)) fail(change.source, change.pointer, "a section; set one of its keys");
  if (find_key("", path.substr(0, slash)) != nullptr)
    fail(change.source, change.pointer, "a part of a key; set it whole");
  if (slash == std::string_view::npos) fail_unknown(change.source, "", "", path);
  const std::string_view section = path.substr(0, slash);
  fail_unknown(change.source, section, child_pointer("", section), path.substr(slash + 1));
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, "", concat("cannot read: ", std::generic_category().message(errno)));
  std::string text;
  std::string block(65536, '\0');
  errno = 0;
  while (file && text.size() <= kMaxFile) {  // a byte more than is taken tells that there is more
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    text.append(block, 0, static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) fail(path, "", concat("cannot read: ", std::generic_category().message(errno)));
  return text;
}

}  // namespace

ServerConfig parse_config(std::string_view text, const ConfigOverrides& overrides, std::string_view name) {
  if (text.size() > kMaxFile) fail(name, "", concat("larger than ", kMaxFile, " bytes"));
  ServerConfig config;
  apply_document(config, detail::parse_strictly(text, name), name);
  for (const ConfigOverride& change : overrides) apply_override(config, change);
  check_listen(config, name);
  if (const auto problem = detail::find_problem(config)) fail(name, problem->pointer, problem->text);
  return config;
}

ServerConfig load_config(const std::string& path, const ConfigOverrides& overrides) {
  return parse_config(read_file(path), overrides, path);
}

}  // namespace socketserver
