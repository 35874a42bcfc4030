#pragma once
// The configuration of a test's server.

#include <socketserver/server/server_config.hpp>

namespace socketserver::testing::detail {

/// @returns it with free ports of the loopback, Unix sockets as they are, and without a log unless it names a file.
inline ServerConfig local_config(ServerConfig config) {
  for (ListenOptions& listen : config.listen) {
    listen.host = "127.0.0.1";
    listen.port = 0;
  }
  if (!config.log.file) config.log.level = LogLevel::off;
  return config;
}

}  // namespace socketserver::testing::detail
