#include <socketserver/config/load.hpp>

#include <cmath>
#include <socketserver/base/text.hpp>
#include <socketserver/config/key_table.hpp>
#include <socketserver/config/listen_keys.hpp>
#include <utility>

namespace socketserver {
namespace {

using detail::Json;
using detail::Key;
using detail::KeyType;

/// The place of a key in a tree of sections; made where it is missing.
Json& node_for(Json& root, const Key& key) {
  return key.section.empty() ? root[key.name] : root[key.section][key.name];
}

std::string_view json_type(KeyType type) {
  switch (type) {
    case KeyType::boolean: return "boolean";
    case KeyType::integer: return "integer";
    case KeyType::seconds: return "number";
    case KeyType::object: return "object";
    case KeyType::networks:
    case KeyType::texts:
    case KeyType::certificates: return "array";
    case KeyType::text:
    case KeyType::choice: break;
  }
  return "string";
}

Json closed_object() { return {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}}; }

/// @returns what is true of documents where a key is there and as this says.
Json is(const char* section, const char* name, const Json& value) {
  const Json in_section{{"required", Json::array({name})}, {"properties", {{name, value}}}};
  return {{"required", Json::array({section})}, {"properties", {{section, in_section}}}};
}

Json implies(const Json& one, const Json& other) { return {{"if", one}, {"then", other}}; }

Json key_schema(const Key& key) {
  Json schema;
  const std::string_view type = json_type(key.type);
  schema["type"] = key.nullable ? Json::array({type, "null"}) : Json(type);
  if (key.type == KeyType::integer) {
    schema["minimum"] = std::llround(key.min);
    schema["maximum"] = std::llround(key.max);
  } else if (key.type == KeyType::seconds) {
    schema["minimum"] = key.min;
    schema["maximum"] = key.max;
  } else if (key.type == KeyType::choice) {
    schema["enum"] = key.choices;
  }
  const bool is_text = type == "string";
  const Json text{{"type", "string"}, {"pattern", key.pattern}};
  if (key.type == KeyType::certificates) {
    schema["items"] = closed_object();
    schema["items"]["properties"] = {{"chain", text}, {"key", text}};
    schema["items"]["required"] = {"chain", "key"};
  } else if (type == "array") {
    schema["items"] = text;
  } else if (is_text && !key.pattern.empty()) {
    schema["pattern"] = key.pattern;
  }
  schema["default"] = key.get(ServerConfig{});
  schema["description"] =
      key.unit.empty() ? std::string(key.description) : concat(key.description, " In ", key.unit, ".");
  return schema;
}

/// An entry of either kind. A key that does not apply to its kind is refused, as by load_config().
Json entry_schema() {
  Json entry = closed_object();
  Json tcp_keys = Json::object();
  for (const Key& key : detail::key_table()) {
    if (key.section != detail::kListen) continue;
    entry["properties"][key.name] = key_schema(key);
    if (detail::is_tcp_key(key.name)) tcp_keys[key.name] = false;
  }
  entry["if"] = {{"required", {"path"}}, {"properties", {{"path", {{"type", "string"}}}}}};
  entry["then"] = {{"properties", tcp_keys}};
  const Json only_for_files = {{"mode", {{"type", "null"}}}};
  entry["then"]["if"] = {{"properties", {{"path", {{"pattern", "^@"}}}}}};
  entry["then"]["then"] = {{"properties", only_for_files}};
  entry["else"] = {{"properties", only_for_files}};
  return entry;
}

/// One entry, or an array of them.
Json listen_schema() {
  const Json entry = {{"$ref", "#/$defs/listen"}};
  Json array{{"type", "array"}, {"minItems", 1}, {"maxItems", detail::kMaxListeners}, {"items", entry}};
  return {{"oneOf", {entry, std::move(array)}}};
}

/// @returns what is true of documents with an entry for which this holds.
Json some_entry(Json holds) {
  holds["type"] = "object";
  const Json listen{{"anyOf", {holds, {{"type", "array"}, {"contains", holds}}}}};
  return {{"required", {"listen"}}, {"properties", {{"listen", listen}}}};
}

/// As find_problem() has it.
Json rules() {
  const Json on{{"const", true}};
  const Json proxy{{"required", {"proxy_protocol"}}, {"properties", {{"proxy_protocol", on}}}};
  const Json tls{{"required", {"tls"}}, {"properties", {{"tls", on}}}};
  return Json::array({implies(some_entry(proxy), is("proxy", "trusted", {{"minItems", 1}})),
                      implies(some_entry(tls), is("tls", "certificates", {{"minItems", 1}})),
                      implies(is("tls", "client_certificate", {{"enum", {"request", "require"}}}),
                              is("tls", "client_ca", {{"type", "string"}}))});
}

/// The keys that apply to the entry.
Json entry_json(const ListenOptions& entry) {
  ServerConfig one;
  one.listen = {entry};
  Json out = Json::object();
  for (const Key& key : detail::key_table()) {
    const bool applies = entry.path.empty() || !detail::is_tcp_key(key.name);
    if (key.section == detail::kListen && applies) out[key.name] = key.get(one);
  }
  return out;
}

Json listen_json(const std::vector<ListenOptions>& listen) {
  if (listen.size() == 1) return entry_json(listen.front());
  Json out = Json::array();
  for (const ListenOptions& entry : listen) out.push_back(entry_json(entry));
  return out;
}

}  // namespace

std::string to_json(const ServerConfig& config) {
  Json document;
  for (const Key& key : detail::key_table()) {
    if (key.section != detail::kListen) {
      node_for(document, key) = key.get(config);
    } else if (!document.contains(key.section)) {
      document[key.section] = listen_json(config.listen);
    }
  }
  return document.dump(2) + "\n";
}

std::string config_schema() {
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "socketserver configuration"}};
  schema.update(closed_object());
  schema["properties"]["$schema"] = {{"type", "string"}};
  for (const Key& key : detail::key_table()) {
    if (key.section.empty() || key.section == detail::kListen) {
      key.section.empty() ? schema["properties"][key.name] = key_schema(key)
                          : schema["properties"][key.section] = listen_schema();
      continue;
    }
    Json& section = schema["properties"][key.section];
    if (section.is_null()) section = closed_object();
    section["properties"][key.name] = key_schema(key);
  }
  schema["$defs"]["listen"] = entry_schema();
  schema["allOf"] = rules();
  return schema.dump(2) + "\n";
}

std::string config_help() {
  std::string out;
  for (const Key& key : detail::key_table()) {
    out += concat("  ", key.pointer(), " = ", key.get(ServerConfig{}).dump(), "\n      ", key.description, " Takes ",
                  accepted_text(key), ".\n");
  }
  return out;
}

std::string config_markdown() {
  std::string out = "| key | default | takes | meaning |\n|---|---|---|---|\n";
  for (const Key& key : detail::key_table()) {
    out += concat("| `", key.pointer(), "` | `", key.get(ServerConfig{}).dump(), "` | ", accepted_text(key), " | ",
                  key.description, " |\n");
  }
  return out;
}

}  // namespace socketserver
