#pragma once
// What OpenSSL knows of a connection, as text.

#include <socketserver/tls/openssl.hpp>
#include <socketserver/tls/tls_info.hpp>

namespace socketserver::detail {

TlsInfo info_of(SSL* ssl);

}  // namespace socketserver::detail
