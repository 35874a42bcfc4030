#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include <socketserver/base/text.hpp>
#include <socketserver/tls/openssl.hpp>
#include <socketserver/tls/tls_error.hpp>

namespace socketserver {
namespace {

// The category's values: TlsError, then verification results of either end, then OpenSSL's packed codes, the least of
// which has a library's number above bit 23.
constexpr int kServerCertificate = 1000;
constexpr int kClientCertificate = 2000;
constexpr int kVerifyResults = 1000;
constexpr int kOpenSsl = 1 << 23;

std::string verify_text(const char* whose, int result) {
  return concat("TLS: ", whose, " certificate: ", X509_verify_cert_error_string(result));
}

std::string openssl_text(int value) {
  const char* reason = ERR_reason_error_string(static_cast<unsigned long>(value));
  return concat("TLS: ", reason != nullptr ? reason : "unknown error of OpenSSL");
}

std::string own_text(TlsError error) {
  switch (error) {
    case TlsError::truncated: return "TLS: the peer ended the connection without close_notify";
    case TlsError::not_tls: return "TLS: the peer does not speak TLS";
    case TlsError::closed: return "TLS: the peer ended the connection during the handshake";
    case TlsError::drained: return "TLS: drained before the handshake";
  }
  return "TLS: unknown error";
}

class TlsCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int value) const override {
    if (value >= kOpenSsl) return openssl_text(value);
    if (value >= kClientCertificate) return verify_text("client", value - kClientCertificate);
    if (value >= kServerCertificate) return verify_text("server", value - kServerCertificate);
    return own_text(static_cast<TlsError>(value));
  }
};

TlsFailure failure_of_reason(int reason) noexcept {
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return TlsFailure::not_tls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION: return TlsFailure::no_common_version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM: return TlsFailure::no_common_cipher;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return TlsFailure::client_certificate;
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: return TlsFailure::alpn;
    default: return TlsFailure::other;
  }
}

TlsFailure failure_of_own(TlsError error) noexcept {
  return error == TlsError::not_tls ? TlsFailure::not_tls : TlsFailure::closed;
}

/// @returns the first error of the TLS layer, which says what the ones before it, of the layers below, led to; the
/// first of all if there is none. The queue is empty then.
unsigned long take_cause() noexcept {
  unsigned long first = 0, cause = 0;
  while (const unsigned long code = ERR_get_error()) {
    if (first == 0) first = code;
    if (cause == 0 && ERR_GET_LIB(code) == ERR_LIB_SSL) cause = code;
  }
  return cause != 0 ? cause : first;
}

bool is_end(std::error_code error) noexcept {
  return error == std::errc::connection_reset || error == std::errc::broken_pipe ||
         error == std::errc::connection_aborted || error == std::errc::not_connected;
}

}  // namespace

const std::error_category& tls_category() noexcept {
  static const TlsCategory category;
  return category;
}

std::error_code make_error_code(TlsError error) noexcept { return {static_cast<int>(error), tls_category()}; }

TlsFailure tls_failure(std::error_code error) noexcept {
  if (error == std::errc::timed_out) return TlsFailure::timed_out;
  if (error.category() != tls_category()) return is_end(error) ? TlsFailure::closed : TlsFailure::other;
  const int value = error.value();
  if (value >= kOpenSsl) return failure_of_reason(ERR_GET_REASON(static_cast<unsigned long>(value)));
  if (value >= kClientCertificate) return TlsFailure::client_certificate;
  if (value >= kServerCertificate) return TlsFailure::server_certificate;
  return failure_of_own(static_cast<TlsError>(value));
}

const char* to_string(TlsFailure failure) noexcept {
  switch (failure) {
    case TlsFailure::not_tls: return "not_tls";
    case TlsFailure::timed_out: return "timed_out";
    case TlsFailure::closed: return "closed";
    case TlsFailure::no_common_version: return "no_common_version";
    case TlsFailure::no_common_cipher: return "no_common_cipher";
    case TlsFailure::client_certificate: return "client_certificate";
    case TlsFailure::server_certificate: return "server_certificate";
    case TlsFailure::alpn: return "alpn";
    case TlsFailure::other: break;
  }
  return "other";
}

std::error_code detail::take_openssl_error() noexcept {
  const unsigned long code = take_cause();
  if (code == 0) return std::make_error_code(std::errc::protocol_error);
  if (ERR_SYSTEM_ERROR(code)) return {ERR_GET_REASON(code), std::generic_category()};
  return {static_cast<int>(ERR_PACK(ERR_GET_LIB(code), 0, ERR_GET_REASON(code))), tls_category()};
}

std::error_code detail::verify_error(CertificateOf end, long result) noexcept {
  const int base = end == CertificateOf::server ? kServerCertificate : kClientCertificate;
  return {base + static_cast<int>(result % kVerifyResults), tls_category()};
}

std::string detail::take_openssl_text() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown error of OpenSSL";
}

}  // namespace socketserver
