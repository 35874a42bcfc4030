#include <socketserver/config/listen_keys.hpp>

#include <socketserver/config/key_rows.hpp>
#include <socketserver/net/address.hpp>
#include <stdexcept>
#include <string>
#include <system_error>

namespace socketserver::detail {
namespace {

constexpr std::string_view kModePattern = "^0[0-7]{3}$";

/// "" in the struct is null in the document.
Json get_path(const ServerConfig& config) {
  const std::string& path = config.listen.front().path;
  return path.empty() ? Json(nullptr) : Json(path);
}
void set_path(ServerConfig& config, const Json& value) {
  config.listen.front().path = value.is_null() ? "" : value.get<std::string>();
  if (value.is_null()) return;
  try {
    (void)unix_address(config.listen.front().path);
  } catch (const std::system_error& error) {
    throw std::invalid_argument(error.what());
  }
}
Json get_mode(const ServerConfig& config) {
  const std::optional<unsigned>& mode = config.listen.front().mode;
  if (!mode) return nullptr;
  std::string text = "0000";
  for (unsigned rest = *mode, place = 3; place > 0; rest /= 8, --place) {
    text[place] = static_cast<char>('0' + rest % 8);
  }
  return text;
}
void set_mode(ServerConfig& config, const Json& value) {
  if (value.is_null()) return config.listen.front().mode.reset();
  const auto& text = value.get_ref<const std::string&>();
  const bool octal = text.size() == 4 && text[0] == '0' && text.find_first_not_of("01234567") == std::string::npos;
  if (!octal) throw std::invalid_argument("is no file mode of four octal digits, as \"0660\"");
  config.listen.front().mode = static_cast<unsigned>(std::stoul(text, nullptr, 8));
}

}  // namespace

Key path_key() {
  return keys::special(
      kListen, "path", KeyType::text, true,
      "The Unix socket to listen on instead: a file, or \"@name\" in the abstract namespace; null is a TCP port.",
      get_path, set_path, keys::kPath);
}

Key mode_key() {
  return keys::special(kListen, "mode", KeyType::text, true,
                       "Mode of the Unix socket's file, as \"0660\"; null is what the umask leaves.", get_mode,
                       set_mode, kModePattern);
}

bool is_tcp_key(std::string_view name) {
  return name == "host" || name == "port" || name == "reuse_address" || name == "reuse_port";
}

}  // namespace socketserver::detail
