#pragma once
// Owners of OpenSSL's objects, and its errors as codes. Only for sources of this folder.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <system_error>

namespace socketserver::detail {

template <auto Free>
struct FreeBy {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using SslContextPtr = std::unique_ptr<SSL_CTX, FreeBy<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, FreeBy<SSL_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, FreeBy<SSL_SESSION_free>>;
using BioPtr = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, FreeBy<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;

/// Which end's certificate was not verified.
enum class CertificateOf { server, client };

/// @returns the error of the TLS layer in this thread's queue, which is empty then. There is no wait between the failed
/// call and this one: a fiber that runs in between would leave its errors in the same queue.
std::error_code take_openssl_error() noexcept;
/// @returns the code of X509_V_ERR_...
std::error_code verify_error(CertificateOf end, long result) noexcept;
/// @returns the text of the first error in this thread's queue, which is empty then.
std::string take_openssl_text();

}  // namespace socketserver::detail
