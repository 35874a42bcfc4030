#include <socketserver/server/request.hpp>

#include <socketserver/server/connection.hpp>
#include <socketserver/tls/tls_stream.hpp>
#include <stdexcept>
#include <utility>

namespace socketserver {

void Request::announce(ProxyHeader header) {
  proxied_ = std::make_unique<const Proxied>(Proxied{std::move(header), client_address_});
  if (proxied_->header.source.family() != AF_UNSPEC) client_address_ = proxied_->header.source;
}

void Request::set_stream(TlsStream& stream) noexcept {
  stream_ = &stream;
  tls_ = &stream;
}

std::optional<TlsInfo> Request::tls() const {
  return tls_ != nullptr && tls_->established() ? std::optional(tls_->info()) : std::nullopt;
}

BaseServer& Request::server() const {
  if (server_ == nullptr) throw std::logic_error("this request has no server");
  return *server_;
}

std::optional<PeerCredentials> Request::peer_credentials() const noexcept {
  if (connection_ == nullptr) return std::nullopt;
  return socketserver::peer_credentials(connection_->transport.native_handle());
}

}  // namespace socketserver
