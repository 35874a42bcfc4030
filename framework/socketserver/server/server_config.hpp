#pragma once
// All that a server can be told. The same tree as the JSON document of config/, which documents and checks it.

#include <chrono>
#include <cstddef>
#include <optional>
#include <socketserver/base/visibility.hpp>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/observe/log.hpp>
#include <string>

namespace SOCKETSERVER_PUBLIC socketserver {

/// What happens to a connection for which there is no room.
enum class Overflow {
  wait,    // it waits in the kernel's queue until there is
  reject,  // it gets reject_message and is closed
};

inline constexpr std::size_t kLeastStackSize = 16384;  // bytes

struct ConcurrencyConfig {
  PolicyKind policy = PolicyKind::pool;
  std::size_t threads = 4;  // the pool's workers, or the fibers' loops
  std::size_t queue = 64;   // connections that may wait for a worker of the pool
  Overflow overflow = Overflow::wait;
  std::string reject_message{};
  std::size_t stack_size = 131072;  // bytes for each fiber's stack, kLeastStackSize or more
};

struct LimitsConfig {
  std::size_t max_connections = 10000;
  std::size_t max_line = 65536;     // bytes, as ReaderOptions::max_line
  std::size_t read_buffer = 4096;   // bytes, as ReaderOptions::read_buffer
  std::size_t write_buffer = 4096;  // bytes, as Writer's; 0 sends every write at once
};

/// nullopt is no limit; for linger it is no lingering.
struct TimeoutsConfig {
  std::optional<std::chrono::milliseconds> idle = std::chrono::seconds(60);   // for a message's first byte
  std::optional<std::chrono::milliseconds> read = std::chrono::seconds(30);   // from its first byte to its last
  std::optional<std::chrono::milliseconds> write = std::chrono::seconds(30);  // one sendall or flush
  std::optional<std::chrono::milliseconds> lifetime{};                        // a connection
  std::optional<std::chrono::milliseconds> drain = std::chrono::seconds(30);  // requests in progress at a stop
  std::optional<std::chrono::milliseconds> linger = std::chrono::seconds(2);  // what a peer sends after the last reply
};

struct ServerConfig {
  ListenOptions listen{};
  SocketOptions socket{};
  ConcurrencyConfig concurrency{};
  LimitsConfig limits{};
  TimeoutsConfig timeouts{};
  LogConfig log{};
  std::string app = "{}";  // JSON, for the user's handlers; the framework does not look inside
};

}  // namespace socketserver
