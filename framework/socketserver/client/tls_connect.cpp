#include <socketserver/client/tls_connect.hpp>

#include <socketserver/base/text.hpp>
#include <socketserver/net/socket_texts.hpp>
#include <utility>

namespace socketserver {
namespace {

[[noreturn]] void fail_handshake(std::string_view host, std::uint16_t port, const std::string& name,
                                 std::error_code error, const ConnectOptions& options) {
  const std::string target = concat("cannot connect to ", escaped(host, detail::kMaxHostText), " port ", port);
  if (error == std::errc::timed_out) {
    throw TimeoutError(concat(target, ": no TLS handshake within the connect timeout of ",
                              detail::timeout_text(options.connect_timeout)));
  }
  const bool verified = tls_failure(error) == TlsFailure::server_certificate;
  throw StreamError(error, verified
                               ? concat(target, ", expected a certificate for ", escaped(name, detail::kMaxHostText))
                               : target + ", handshake");
}

}  // namespace

TlsStream create_tls_connection(std::string_view host, std::uint16_t port, const TlsClientOptions& tls,
                                const ConnectOptions& options) {
  return create_tls_connection(host, port, TlsContext::client(tls), options);
}

TlsStream create_tls_connection(std::string_view host, std::uint16_t port, const TlsContext& context,
                                const ConnectOptions& options) {
  const Deadline deadline = Deadline::after(options.connect_timeout);
  const std::string name = context.server_name().empty() ? std::string(host) : context.server_name();
  std::unique_ptr<Stream> socket(new SocketStream(create_connection(host, port, options)));
  try {
    return {std::move(socket), context, name, deadline};
  } catch (const StreamError& error) {
    fail_handshake(host, port, name, error.code(), options);
  }
}

}  // namespace socketserver
