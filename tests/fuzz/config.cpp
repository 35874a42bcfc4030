#include <socketserver/config/load.hpp>

#include "fuzz/targets.hpp"

using namespace socketserver;

void fuzz::config(Bytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  try {
    const std::string json = to_json(parse_config(text));
    require(to_json(parse_config(json)) == json, "a configuration that was printed loads as the same");
  } catch (const ConfigError& error) {
    const std::string_view what = error.what();
    require(!what.empty() && what.size() < 4096 && what.find('\n') == what.npos, "one bounded line says what is wrong");
  }
}
