#pragma once
// All that a server can be told. The same tree as the JSON document of config/, which documents and checks it.

#include <chrono>
#include <cstddef>
#include <optional>
#include <socketserver/base/visibility.hpp>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/io/reader.hpp>
#include <socketserver/io/writer.hpp>
#include <socketserver/net/ip_network.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/observe/log.hpp>
#include <socketserver/tls/tls_context.hpp>
#include <string>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

namespace detail {
class Environment;
}

/// What happens to a connection for which there is no room.
enum class Overflow {
  wait,    ///< it waits in the kernel's queue until there is
  reject,  ///< it gets reject_message and is closed
};

inline constexpr std::size_t kLeastStackSize = 16384;  ///< bytes of a fiber's stack

/// How connections are run, and what happens when there are too many.
struct ConcurrencyConfig {
  PolicyKind policy = PolicyKind::fiber;  ///< who runs a connection's handler
  std::optional<std::size_t> threads{};   ///< the fibers' loops or the pool's workers, 1 or more; see default_threads()
  std::size_t queue = PolicyOptions().queue;  ///< connections that may wait for a worker of the pool
  Overflow overflow = Overflow::wait;         ///< what happens to a connection for which there is no room
  std::string reject_message{};  ///< what a connection rejected for lack of room is sent; nothing on a TLS listener
  std::size_t stack_size = PolicyOptions().stack_size;  ///< bytes of each fiber's stack, kLeastStackSize or more
};

/// What one server and each of its connections may take. A handler's StreamOptions come before the last three.
struct LimitsConfig {
  std::size_t max_connections = 10000;           ///< at a time, those that wait for a worker included; 1 or more
  std::size_t max_line = kDefaultMaxLine;        ///< bytes of the longest line a handler can be sent, its end included
  std::size_t read_buffer = kDefaultReadBuffer;  ///< bytes a handler reads at a time
  std::size_t write_buffer = kDefaultWriteBuffer;  ///< bytes a handler collects before it sends; 0 sends each write
};

/// The clients that may connect.
struct AccessConfig {
  std::vector<IpNetwork> allow{};                           ///< if there is one, clients in no such network are refused
  std::vector<IpNetwork> deny{};                            ///< clients that are refused, also where `allow` has them
  std::optional<std::size_t> max_connections_per_client{};  ///< at a time, 1 or more
  std::optional<std::size_t> accepts_per_second_per_client{};  ///< 1 or more; as many may come at once
};

/// The proxies in front of the server.
struct ProxyConfig {
  std::vector<IpNetwork> trusted{};  ///< where an entry that speaks the PROXY protocol takes connections from
};

/// Every bound in time. nullopt is no limit; for linger it is no lingering. In JSON these are seconds.
struct TimeoutsConfig {
  /// How long a peer may be silent before a message.
  std::optional<std::chrono::milliseconds> idle = std::chrono::seconds(60);
  /// How long a message may take from its first byte to its last: a drip does not extend it.
  std::optional<std::chrono::milliseconds> read = std::chrono::seconds(30);
  /// How long sending a reply may take: one sendall or flush.
  std::optional<std::chrono::milliseconds> write = std::chrono::seconds(30);
  /// How long a client may take for what comes before its first request: the PROXY header and
  /// the TLS handshake.
  std::optional<std::chrono::milliseconds> handshake = std::chrono::seconds(10);
  /// How long a connection may last.
  std::optional<std::chrono::milliseconds> lifetime{};
  /// How long requests in progress may run after a stop.
  std::optional<std::chrono::milliseconds> drain = std::chrono::seconds(30);
  /// How long a closed connection's late input is read and dropped, so that no reset destroys the last reply.
  std::optional<std::chrono::milliseconds> linger = std::chrono::seconds(2);
};

/// What a server listens on: a vector with an entry for each socket.
class Listeners : public std::vector<ListenOptions> {
 public:
  using std::vector<ListenOptions>::vector;
  using std::vector<ListenOptions>::operator=;
  /// Replaces them all by one: config.listen = {.host = "127.0.0.1", .port = 9999}.
  Listeners& operator=(const ListenOptions& only) {
    assign(1, only);
    return *this;
  }
};

/// All of it, a member for each section of the JSON document. The defaults make a server on localhost:9999.
struct ServerConfig {
  Listeners listen = Listeners(1);  ///< where to listen; at least one entry
  SocketOptions socket{};           ///< options of each connection's socket
  ConcurrencyConfig concurrency{};  ///< who runs a connection's handler
  LimitsConfig limits{};            ///< connections and bytes
  TimeoutsConfig timeouts{};        ///< every wait's bound
  AccessConfig access{};            ///< the clients that may connect
  ProxyConfig proxy{};              ///< the proxies that may name another client
  TlsServerOptions tls{};           ///< certificates and the rest, for listeners that speak TLS
  LogConfig log{};                  ///< the server's own lines, and the program's
  std::string app = "{}";           ///< a JSON object for the program's own use; the framework does not look inside
  detail::Environment* environment = nullptr;  ///< a simulation's, which sets it and outlives the server; null: none
};

}  // namespace socketserver
