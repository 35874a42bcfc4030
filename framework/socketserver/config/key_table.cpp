#include <socketserver/config/key_table.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <socketserver/base/text.hpp>
#include <socketserver/config/key_rows.hpp>
#include <socketserver/config/listen_keys.hpp>
#include <socketserver/config/tls_keys.hpp>

namespace socketserver::detail {
namespace {

using namespace keys;

constexpr std::string_view kLogPattern = R"(^([^{}]|\{\{|\}\}|\{(processName|process|level|time|message)\})*$)";

/// For what the system takes as a C string, which would end at a NUL.
template <auto section, auto member>
void set_c_string(ServerConfig& config, const Json& value) {
  if (value.is_string()) (void)without_nul(value);
  Member<section, member>::set(config, value);
}
void set_pattern(ServerConfig& config, const Json& value) {
  check_log_pattern(value.get_ref<const std::string&>());
  config.log.pattern = value;
}
Json get_app(const ServerConfig& config) { return Json::parse(config.app); }
void set_app(ServerConfig& config, const Json& value) { config.app = value.dump(); }

std::vector<Key> make_table() {
  constexpr auto listen = &ServerConfig::listen;
  constexpr auto socket = &ServerConfig::socket;
  constexpr auto concurrency = &ServerConfig::concurrency;
  constexpr auto limits = &ServerConfig::limits;
  constexpr auto access = &ServerConfig::access;
  constexpr auto proxy = &ServerConfig::proxy;
  constexpr auto log = &ServerConfig::log;
  Key pattern = text<log, &LogConfig::pattern>(
      "log", "pattern", false,
      "Format of a line: {processName}, {process}, {level}, {time} and {message} are replaced.");
  pattern.set = set_pattern;
  pattern.pattern = kLogPattern;
  Key host = text<listen, &ListenOptions::host>(
      "listen", "host", false,
      "The address to listen on: a name, IPv4, IPv6, or \"\" for all IPv4 and IPv6 addresses.");
  host.set = set_c_string<listen, &ListenOptions::host>;
  host.pattern = kNoNul;
  Key file = text<log, &LogConfig::file>("log", "file", true, "The file to append to; null is standard error.");
  file.set = set_c_string<log, &LogConfig::file>;
  file.pattern = kNoNul;
  std::vector<Key> table{
      std::move(host),
      integer<listen, &ListenOptions::port>("listen", "port", false, 0, 65535, "",
                                            "The port; 0 lets the kernel choose one."),
      integer<listen, &ListenOptions::backlog>(
          "listen", "backlog", true, 0, kMaxInt, "connections",
          "Maximum number of connections waiting to be accepted; null is the system's maximum."),
      boolean<listen, &ListenOptions::reuse_address>("listen", "reuse_address",
                                                     "Whether a restart can bind the port at once (SO_REUSEADDR)."),
      boolean<listen, &ListenOptions::reuse_port>("listen", "reuse_port",
                                                  "Whether several servers can share the port (SO_REUSEPORT)."),
      boolean<listen, &ListenOptions::proxy_protocol>(
          "listen", "proxy_protocol",
          "Whether connections come from proxies of /proxy/trusted and begin with a PROXY header, version 1 or 2."),
      boolean<listen, &ListenOptions::tls>("listen", "tls",
                                           "Whether connections speak TLS, with the certificates of /tls."),
      path_key(),
      mode_key(),
      text<listen, &ListenOptions::name>("listen", "name", false, "A name for the log."),
      boolean<socket, &SocketOptions::nodelay>("socket", "nodelay",
                                               "Whether small replies are sent at once (TCP_NODELAY)."),
      boolean<socket, &SocketOptions::keepalive>("socket", "keepalive",
                                                 "Whether the kernel probes silent peers (SO_KEEPALIVE)."),
      integer<socket, &SocketOptions::keepalive_idle>(
          "socket", "keepalive_idle", true, 1, kMaxKeepaliveTime, "seconds",
          "Idle time before the first probe (TCP_KEEPIDLE); null is the system default, usually 7200."),
      integer<socket, &SocketOptions::keepalive_interval>(
          "socket", "keepalive_interval", true, 1, kMaxKeepaliveTime, "seconds",
          "Time between two probes (TCP_KEEPINTVL); null is the system default, usually 75."),
      integer<socket, &SocketOptions::keepalive_count>("socket", "keepalive_count", true, 1, kMaxKeepaliveProbes,
                                                       "probes",
                                                       "Unanswered probes after which the connection is dropped "
                                                       "(TCP_KEEPCNT); null is the system default, usually 9."),
      integer<socket, &SocketOptions::receive_buffer>(
          "socket", "receive_buffer", true, 1, kMaxInt, "bytes",
          "Size of the kernel's receive buffer; null lets the kernel tune it."),
      integer<socket, &SocketOptions::send_buffer>("socket", "send_buffer", true, 1, kMaxInt, "bytes",
                                                   "Size of the kernel's send buffer; null lets the kernel tune it."),
      choice<concurrency, &ConcurrencyConfig::policy>("concurrency", "policy", choices_of(kPolicies),
                                                      "How the handlers of connections are run."),
      integer<concurrency, &ConcurrencyConfig::threads>(
          "concurrency", "threads", true, 1, 4096, "threads",
          "Number of fiber loops or pool workers; null is one per core, and at least 4 in a pool."),
      integer<concurrency, &ConcurrencyConfig::queue>("concurrency", "queue", false, 0, 1e6, "connections",
                                                      "Maximum number of connections waiting for a pool worker."),
      choice<concurrency, &ConcurrencyConfig::overflow>(
          "concurrency", "overflow", choices_of(kOverflows),
          "What happens to a new connection when there is no room for it."),
      text<concurrency, &ConcurrencyConfig::reject_message>(
          "concurrency", "reject_message", false,
          "What a rejected connection is sent, except by a listener that speaks TLS."),
      integer<concurrency, &ConcurrencyConfig::stack_size>("concurrency", "stack_size", false, kLeastStackSize,
                                                           kMaxBytes, "bytes", "Size of a fiber's stack."),
      integer<limits, &LimitsConfig::max_connections>("limits", "max_connections", false, 1, 1e7, "connections",
                                                      "Maximum number of open connections."),
      integer<limits, &LimitsConfig::max_line>("limits", "max_line", false, 1, kMaxBytes, "bytes",
                                               "Maximum length of a line that a handler reads."),
      integer<limits, &LimitsConfig::read_buffer>("limits", "read_buffer", false, 1, kMaxBytes, "bytes",
                                                  "Size of a handler's read buffer."),
      integer<limits, &LimitsConfig::write_buffer>("limits", "write_buffer", false, 0, kMaxBytes, "bytes",
                                                   "Size of a handler's write buffer; 0 sends each write at once."),
      timeout<&TimeoutsConfig::idle>("idle", "How long to wait for the first byte of a message."),
      timeout<&TimeoutsConfig::read>("read", "How long a message may take from its first byte to its last."),
      timeout<&TimeoutsConfig::write>("write", "How long sending a reply may take."),
      timeout<&TimeoutsConfig::handshake>("handshake",
                                          "How long a client may take for what comes before its first request: the "
                                          "PROXY header and the TLS handshake."),
      timeout<&TimeoutsConfig::lifetime>("lifetime", "How long a connection may last."),
      timeout<&TimeoutsConfig::drain>("drain", "How long requests in progress may run after a stop."),
      timeout<&TimeoutsConfig::linger>("linger", "How long late input of a closed connection is read and discarded."),
      networks<access, &AccessConfig::allow>("access", "allow",
                                             "The networks whose clients may connect; if empty, all."),
      networks<access, &AccessConfig::deny>(
          "access", "deny", "The networks whose clients may not connect, also where /access/allow has them."),
      integer<access, &AccessConfig::max_connections_per_client>(
          "access", "max_connections_per_client", true, 1, 1e7, "connections",
          "Maximum number of open connections of one IPv4 address or one IPv6 network of 64 bits; null is no limit."),
      integer<access, &AccessConfig::accepts_per_second_per_client>(
          "access", "accepts_per_second_per_client", true, 1, 1e6, "connections a second",
          "Maximum rate at which one such client may connect; null is no limit."),
      networks<proxy, &ProxyConfig::trusted>(
          "proxy", "trusted",
          "The networks of the proxies whose PROXY header is believed; others may not connect there."),
  };
  const auto append = [&table](std::vector<Key> keys) {
    std::move(keys.begin(), keys.end(), std::back_inserter(table));
  };
  append(tls_keys());
  append({
      choice<log, &LogConfig::level>("log", "level", choices_of(kLevels),
                                     "Minimum level of the lines that are written."),
      std::move(pattern),
      std::move(file),
      {"", "app", KeyType::object, false, 0, 0, {}, "", "For the program's own use.", get_app, set_app},
  });
  return table;
}

}  // namespace

std::string Key::pointer() const { return section.empty() ? concat("/", name) : concat("/", section, "/", name); }

std::span<const Key> key_table() {
  static const std::vector<Key> table = make_table();
  return table;
}

std::string accepted_text(const Key& key) {
  std::string out;
  switch (key.type) {
    case KeyType::boolean: out = "true or false"; break;
    case KeyType::integer:
      out = concat("a whole number", key.unit.empty() ? "" : " of ", key.unit, " from ", std::llround(key.min), " to ",
                   std::llround(key.max));
      break;
    case KeyType::seconds: out = concat("seconds from ", Json(key.min).dump(), " to ", std::llround(key.max)); break;
    case KeyType::text: out = "a string"; break;
    case KeyType::object: out = "an object"; break;
    case KeyType::texts: out = "an array of strings of 1 to 255 characters"; break;
    case KeyType::certificates: out = "an array of objects with \"chain\" and \"key\""; break;
    case KeyType::networks: out = "an array of networks, as \"10.0.0.0/8\", \"::1\" or \"unix\""; break;
    case KeyType::choice:
      for (const std::string_view choice : key.choices) out += concat(out.empty() ? "" : ", ", '"', choice, '"');
      out = "one of " + out;
      break;
  }
  return key.nullable ? out + ", or null" : out;
}

}  // namespace socketserver::detail
