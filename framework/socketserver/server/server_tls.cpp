#include <socketserver/server/server_tls.hpp>

#include <algorithm>
#include <utility>

namespace socketserver::detail {

ServerTls::ServerTls(const ServerConfig& config) {
  const bool used =
      std::any_of(config.listen.begin(), config.listen.end(), [](const ListenOptions& entry) { return entry.tls; });
  if (!used) return;
  ticket_keys_ = std::make_shared<TlsTicketKeys>();
  current_ = make(config);
}

TlsContext ServerTls::context() const {
  const std::lock_guard lock(mutex_);
  return *current_;
}

void ServerTls::reload(const ServerConfig& config) {
  TlsContext next = make(config);
  const std::lock_guard lock(mutex_);
  std::swap(*current_, next);
}

std::vector<std::string> ServerTls::warnings() const {
  return used() ? context().warnings() : std::vector<std::string>();
}

TlsContext ServerTls::make(const ServerConfig& config) const {
  TlsServerOptions options = config.tls;
  if (options.ticket_keys == nullptr) options.ticket_keys = ticket_keys_;
  return TlsContext::server(options);
}

}  // namespace socketserver::detail
