#include <socketserver/config/key_table.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <socketserver/base/text.hpp>
#include <socketserver/config/listen_keys.hpp>
#include <stdexcept>
#include <type_traits>

namespace socketserver::detail {
namespace {

using std::chrono::milliseconds;

constexpr double kMinSeconds = 0.001;               // seconds: clocks are kept in milliseconds
constexpr double kMaxSeconds = 1e9;                 // seconds: 31 years
constexpr double kMaxBytes = 1024.0 * 1024 * 1024;  // of any one buffer
constexpr double kMaxKeepaliveTime = 32767;         // seconds; source: tcp(7), MAX_TCP_KEEPIDLE
constexpr double kMaxKeepaliveProbes = 127;         // source: MAX_TCP_KEEPCNT
constexpr double kMaxInt = std::numeric_limits<int>::max();

// What the setters below check, for the schema. Each is deterministic, so that an editor matches it in linear time.
constexpr std::string_view kPath = R"(^[^\u0000]+$)";
constexpr std::string_view kProtocol = R"(^[^\u0000]{1,255}$)";
constexpr std::string_view kNoNul = R"(^[^\u0000]*$)";
constexpr std::string_view kLogPattern = R"(^([^{}]|\{\{|\}\}|\{(processName|process|level|time|message)\})*$)";

// A network as far as a pattern can tell: not whether an IPv6 address is one, nor whether bits are set behind the
// prefix.
constexpr std::string_view kNetwork =
    R"(^(unix|((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(/([0-9]|[12]\d|3[0-2]))?)"
    R"(|[0-9a-fA-F]*:[0-9a-fA-F:.]*(/(12[0-8]|1[01]\d|[1-9]?\d))?)$)";

template <typename T>
struct EnumText {
  T value;
  std::string_view text;
};
template <typename T>
EnumText(T, std::string_view) -> EnumText<T>;  // clang 14 does not deduce aggregates

constexpr std::array kPolicies{EnumText{PolicyKind::inline_, "inline"}, EnumText{PolicyKind::thread, "thread"},
                               EnumText{PolicyKind::pool, "pool"}, EnumText{PolicyKind::fiber, "fiber"}};
constexpr std::array kOverflows{EnumText{Overflow::wait, "wait"}, EnumText{Overflow::reject, "reject"}};
constexpr std::array kLevels{EnumText{LogLevel::debug, "debug"}, EnumText{LogLevel::info, "info"},
                             EnumText{LogLevel::warning, "warning"}, EnumText{LogLevel::error, "error"},
                             EnumText{LogLevel::off, "off"}};

constexpr std::array kClientCertificates{EnumText{ClientCertificate::none, "none"},
                                         EnumText{ClientCertificate::request, "request"},
                                         EnumText{ClientCertificate::require, "require"}};
constexpr std::array kTlsVersions{EnumText{TlsVersion::v1_2, "1.2"}, EnumText{TlsVersion::v1_3, "1.3"}};

constexpr const auto& texts_of(ClientCertificate) { return kClientCertificates; }
constexpr const auto& texts_of(TlsVersion) { return kTlsVersions; }
constexpr const auto& texts_of(PolicyKind) { return kPolicies; }
constexpr const auto& texts_of(Overflow) { return kOverflows; }
constexpr const auto& texts_of(LogLevel) { return kLevels; }

/// @throws std::invalid_argument  it has a NUL, which ends what the system takes as a string.
std::string without_nul(const Json& value) {
  auto text = value.get<std::string>();
  if (text.find('\0') != std::string::npos) throw std::invalid_argument("has a NUL character");
  return text;
}

/// @throws std::invalid_argument  it is none.
std::string checked_path(const Json& value) {
  if (value.get_ref<const std::string&>().empty()) throw std::invalid_argument("is empty; takes a path");
  return without_nul(value);
}

// How a member's type looks in JSON.
template <typename T>
Json to_value(const T& member) {
  if constexpr (std::is_enum_v<T>) {
    for (const auto& entry : texts_of(member)) {
      if (entry.value == member) return entry.text;
    }
    return nullptr;
  } else {
    return member;
  }
}
Json to_value(const milliseconds& time) {
  const auto count = time.count();
  return count % 1000 == 0 ? Json(count / 1000) : Json(static_cast<double>(count) / 1000);
}
Json to_value(const std::chrono::seconds& time) { return time.count(); }
Json to_value(const std::vector<IpNetwork>& networks) {
  Json out = Json::array();
  for (const IpNetwork& network : networks) out.push_back(network.to_string());
  return out;
}
template <typename T>
Json to_value(const std::optional<T>& member) {
  return member ? to_value(*member) : Json(nullptr);
}

template <typename T>
void from_value(T& member, const Json& value) {
  if constexpr (std::is_enum_v<T>) {
    for (const auto& entry : texts_of(member)) {
      if (entry.text == value.get_ref<const std::string&>()) member = entry.value;
    }
  } else {
    member = value.get<T>();
  }
}
void from_value(milliseconds& time, const Json& value) {
  time = milliseconds(std::llround(value.get<double>() * 1000));
}
void from_value(std::chrono::seconds& time, const Json& value) {
  time = std::chrono::seconds(value.get<std::chrono::seconds::rep>());
}
/// A string may be null: it is empty then, and the system's default.
Json get_ciphers(const ServerConfig& config) { return config.tls.ciphers.empty() ? Json() : Json(config.tls.ciphers); }
void set_ciphers(ServerConfig& config, const Json& value) {
  config.tls.ciphers = value.is_null() ? "" : without_nul(value);
}
Json get_client_ca(const ServerConfig& config) {
  return config.tls.client_ca ? Json(config.tls.client_ca->name()) : Json();
}
void set_client_ca(ServerConfig& config, const Json& value) {
  config.tls.client_ca.reset();
  if (!value.is_null()) config.tls.client_ca = checked_path(value);
}
Json get_certificates(const ServerConfig& config) {
  Json out = Json::array();
  for (const TlsCertificate& each : config.tls.certificates) {
    out.push_back({{"chain", each.chain.name()}, {"key", each.key.name()}});
  }
  return out;
}
void set_certificates(ServerConfig& config, const Json& value) {
  config.tls.certificates.clear();
  for (const Json& each : value) {
    config.tls.certificates.push_back({checked_path(each.at("chain")), checked_path(each.at("key"))});
  }
}

/// @throws std::invalid_argument  one of them is no network.
void from_value(std::vector<IpNetwork>& networks, const Json& value) {
  networks.clear();
  for (const Json& text : value) networks.emplace_back(text.get_ref<const std::string&>());
}
template <typename T>
void from_value(std::optional<T>& member, const Json& value) {
  if (value.is_null()) return member.reset();
  from_value(member.emplace(), value);
}

template <typename Section>
auto& first_of(Section& section) {
  if constexpr (std::is_same_v<std::remove_const_t<Section>, Listeners>) {
    return section.front();
  } else {
    return section;
  }
}

/// A pair of a section's member and the accessors for it.
template <auto section, auto member>
struct Access {
  static Json get(const ServerConfig& config) { return to_value(first_of(config.*section).*member); }
  static void set(ServerConfig& config, const Json& value) { from_value(first_of(config.*section).*member, value); }
};

template <typename T, std::size_t n>
std::vector<std::string_view> choices_of(const std::array<EnumText<T>, n>& texts) {
  std::vector<std::string_view> out;
  for (const auto& entry : texts) out.push_back(entry.text);
  return out;
}

/// For what the system takes as a C string, which would end at a NUL.
template <auto section, auto member>
void set_c_string(ServerConfig& config, const Json& value) {
  if (value.is_string()) (void)without_nul(value);
  Access<section, member>::set(config, value);
}
void set_pattern(ServerConfig& config, const Json& value) {
  check_log_pattern(value.get_ref<const std::string&>());
  config.log.pattern = value;
}
Json get_app(const ServerConfig& config) { return Json::parse(config.app); }
void set_app(ServerConfig& config, const Json& value) { config.app = value.dump(); }

// A row's shape by its type, so that the table below says only what differs.
template <auto section, auto member>
Key boolean(std::string_view in, std::string_view name, std::string_view description) {
  using A = Access<section, member>;
  return {in, name, KeyType::boolean, false, 0, 0, {}, "", description, A::get, A::set};
}
template <auto section, auto member>
Key integer(std::string_view in, std::string_view name, bool nullable, double min, double max, std::string_view unit,
            std::string_view description) {
  using A = Access<section, member>;
  return {in, name, KeyType::integer, nullable, min, max, {}, unit, description, A::get, A::set};
}
template <auto section, auto member>
Key text(std::string_view in, std::string_view name, bool nullable, std::string_view description) {
  using A = Access<section, member>;
  return {in, name, KeyType::text, nullable, 0, 0, {}, "", description, A::get, A::set};
}
template <auto section, auto member>
Key networks(std::string_view in, std::string_view name, std::string_view description) {
  using A = Access<section, member>;
  return {in, name, KeyType::networks, false, 0, 0, {}, "", description, A::get, A::set, kNetwork};
}
template <auto section, auto member>
Key choice(std::string_view in, std::string_view name, std::vector<std::string_view> choices,
           std::string_view description) {
  using A = Access<section, member>;
  return {in, name, KeyType::choice, false, 0, 0, std::move(choices), "", description, A::get, A::set};
}
template <auto member>
Key timeout(std::string_view name, std::string_view description) {
  using A = Access<&ServerConfig::timeouts, member>;
  return {"timeouts", name,      KeyType::seconds, true,   kMinSeconds, kMaxSeconds,
          {},         "seconds", description,      A::get, A::set};
}

std::vector<Key> make_table() {
  constexpr auto listen = &ServerConfig::listen;
  constexpr auto socket = &ServerConfig::socket;
  constexpr auto concurrency = &ServerConfig::concurrency;
  constexpr auto limits = &ServerConfig::limits;
  constexpr auto access = &ServerConfig::access;
  constexpr auto proxy = &ServerConfig::proxy;
  constexpr auto tls = &ServerConfig::tls;
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
  return {
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
      {"tls",
       "certificates",
       KeyType::certificates,
       false,
       0,
       0,
       {},
       "",
       "The PEM files of each certificate; the client's server name chooses, the first is the default.",
       get_certificates,
       set_certificates,
       kPath},
      {"tls",
       "client_ca",
       KeyType::text,
       true,
       0,
       0,
       {},
       "",
       "The PEM file of the authorities that clients' certificates are verified by.",
       get_client_ca,
       set_client_ca,
       kPath},
      choice<tls, &TlsServerOptions::client_certificate>(
          "tls", "client_certificate", choices_of(kClientCertificates),
          "Whether a client is asked for a certificate, and refused without one."),
      choice<tls, &TlsServerOptions::min_version>("tls", "min_version", choices_of(kTlsVersions),
                                                  "The oldest version of TLS that is spoken."),
      {"tls",
       "ciphers",
       KeyType::text,
       true,
       0,
       0,
       {},
       "",
       "OpenSSL's names of the cipher suites, with ':' between them; null is Mozilla's intermediate set.",
       get_ciphers,
       set_ciphers,
       kNoNul},
      {"tls",
       "alpn",
       KeyType::texts,
       false,
       0,
       0,
       {},
       "",
       "The application protocols, best first; a client that offers only others is refused. If empty, none is agreed "
       "on.",
       Access<tls, &TlsServerOptions::alpn>::get,
       Access<tls, &TlsServerOptions::alpn>::set,
       kProtocol},
      boolean<tls, &TlsServerOptions::session_tickets>(
          "tls", "session_tickets", "Whether a client may resume its session, which saves most of a handshake's cost."),
      choice<log, &LogConfig::level>("log", "level", choices_of(kLevels),
                                     "Minimum level of the lines that are written."),
      std::move(pattern),
      std::move(file),
      {"", "app", KeyType::object, false, 0, 0, {}, "", "For the program's own use.", get_app, set_app},
  };
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
