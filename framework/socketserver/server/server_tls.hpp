#pragma once
// A server's TLS context, which a reload replaces.

#include <memory>
#include <mutex>
#include <optional>
#include <socketserver/server/server_config.hpp>
#include <socketserver/tls/tls_context.hpp>
#include <string>
#include <vector>

namespace socketserver::detail {

/// Threads: safe to share.
class ServerTls {
 public:
  /// Reads what the configuration names, if a listener speaks TLS.
  /// @throws TlsContextError  it cannot be used; what() names the file.
  explicit ServerTls(const ServerConfig& config);

  /// Whether a listener speaks TLS.
  bool used() const noexcept { return current_.has_value(); }
  /// @returns the context for the next connection. Only where it is used().
  TlsContext context() const;
  /// Reads the files again; sessions survive. @throws TlsContextError  the context stays as it was.
  void reload(const ServerConfig& config);
  /// @returns as TlsContext::warnings().
  std::vector<std::string> warnings() const;

 private:
  TlsContext make(const ServerConfig& config) const;

  std::shared_ptr<TlsTicketKeys> ticket_keys_;  // null where it is not used: random bytes start OpenSSL
  mutable std::mutex mutex_;
  std::optional<TlsContext> current_;  // guarded by mutex_; whether there is one never changes
};

}  // namespace socketserver::detail
