#include <nlohmann/json.hpp>
#include <set>
#include <socketserver/config/key_table.hpp>
#include <socketserver/config/load.hpp>
#include <string>

#include "support/catch.hpp"

using namespace socketserver;

TEST_CASE("the schema, the help and the table name every key of the document") {
  const nlohmann::json document = nlohmann::json::parse(to_json(ServerConfig{}));
  const nlohmann::json schema = nlohmann::json::parse(config_schema());
  const std::string help = config_help();
  const std::string table = config_markdown();
  int keys = 0;
  for (const auto& [section, values] : document.items()) {
    if (section == "app") continue;
    for (const auto& [name, value] : values.items()) {
      const auto& parent = section == "listen" ? schema.at("$defs") : schema.at("properties");
      const auto& described = parent.at(section).at("properties").at(name);
      CHECK(described.at("default") == value);
      const std::string pointer = "/" + section + "/" + name;
      CHECK(help.find(pointer + " = ") != std::string::npos);
      CHECK(table.find("| `" + pointer + "` |") != std::string::npos);
      ++keys;
    }
  }
  CHECK(keys == 49);
}

TEST_CASE("each key has a pointer of its own, a description, and a default that it takes") {
  std::set<std::string> pointers;
  for (const detail::Key& key : detail::key_table()) {
    CAPTURE(key.pointer());
    CHECK(pointers.insert(key.pointer()).second);
    CHECK_FALSE(key.description.empty());
    const detail::Json value = key.get(ServerConfig{});
    if (value.is_number() && key.type != detail::KeyType::text) {
      CHECK(value.get<double>() >= key.min);
      CHECK(value.get<double>() <= key.max);
    }
    CHECK((!value.is_null() || key.nullable));
  }
}

TEST_CASE("a value that a key has set is the one that it gets, at both ends of its range") {
  for (const detail::Key& key : detail::key_table()) {
    CAPTURE(key.pointer());
    const auto is_kept = [&key](const detail::Json& value) {
      ServerConfig config;
      key.set(config, value);
      return key.get(config) == value;
    };
    if (key.type == detail::KeyType::integer) {
      CHECK(is_kept(static_cast<std::int64_t>(key.min)));
      CHECK(is_kept(static_cast<std::int64_t>(key.max)));
    }
    if (key.type == detail::KeyType::boolean) CHECK((is_kept(true) && is_kept(false)));
    if (key.type == detail::KeyType::seconds) CHECK((is_kept(key.min) && is_kept(key.max)));
    if (key.nullable) CHECK(is_kept(nullptr));
    for (const std::string_view choice : key.choices) CHECK(is_kept(choice));
  }
}

TEST_CASE("what a key takes is said with its unit and its range") {
  const auto accepted = [](const std::string& pointer) {
    for (const detail::Key& key : detail::key_table()) {
      if (key.pointer() == pointer) return detail::accepted_text(key);
    }
    return std::string("no such key");
  };
  CHECK(accepted("/listen/port") == "a whole number from 0 to 65535");
  CHECK(accepted("/listen/reuse_port") == "true or false");
  CHECK(accepted("/timeouts/idle") == "seconds from 0.001 to 1000000000, or null");
  CHECK(accepted("/concurrency/overflow") == R"(one of "wait", "reject")");
  CHECK(accepted("/log/file") == "a string, or null");
}
