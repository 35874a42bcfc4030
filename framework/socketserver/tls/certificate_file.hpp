#pragma once
// Certificates and keys from PEM, with errors that name where they come from.

#include <socketserver/tls/openssl.hpp>
#include <socketserver/tls/tls_context.hpp>
#include <string>
#include <vector>

namespace socketserver::detail {

/// @returns the certificates of the text, at least one. @throws TlsContextError.
std::vector<X509Ptr> read_certificates(const Pem& pem);
/// @throws TlsContextError.
KeyPtr read_key(const Pem& pem);

/// Gives the context a certificate, its chain and its key; what should be looked at is added to the warnings.
/// @returns the certificate. @throws TlsContextError.
X509Ptr use_certificate(SSL_CTX* context, const TlsCertificate& certificate, std::vector<std::string>& warnings);

/// Has the context verify its peers by these authorities. @throws TlsContextError.
void trust(SSL_CTX* context, const Pem& authorities);

}  // namespace socketserver::detail
