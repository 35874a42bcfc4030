#pragma once
// What TLS adds to the errors of a stream, and why a handshake failed, for counters.

#include <socketserver/base/visibility.hpp>
#include <system_error>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Errors that are not OpenSSL's own.
enum class TlsError {
  truncated = 1,  ///< the peer ended the connection without close_notify: what it sent may be cut short
  not_tls,        ///< the first bytes are no TLS record: the peer speaks plain text, such as HTTP
  closed,         ///< the peer ended the connection before the handshake was complete
  drained,        ///< this side was drained before the peer had sent a byte of its handshake
};

/// The category of all errors of TLS: those of TlsError, a certificate's verification, and OpenSSL's, by its texts.
const std::error_category& tls_category() noexcept;
/// @returns the error as a code.
std::error_code make_error_code(TlsError error) noexcept;

/// Why a handshake failed, as counters tell it.
enum class TlsFailure {
  not_tls,             ///< the peer speaks no TLS
  timed_out,           ///< a deadline passed
  closed,              ///< the peer, or this side's drain, ended the connection
  no_common_version,   ///< the peer speaks only older versions
  no_common_cipher,    ///< no cipher suite, group or signature in common
  client_certificate,  ///< the client sent none where one is required, or one that was not verified
  server_certificate,  ///< the server's certificate was not verified, or not for the expected name
  alpn,                ///< no application protocol in common
  other,               ///< anything else, an alert of the peer among them
};

/// @returns the reason that a handshake's error stands for.
TlsFailure tls_failure(std::error_code error) noexcept;
/// @returns its name as a counter's label: "not_tls".
const char* to_string(TlsFailure failure) noexcept;

}  // namespace socketserver

template <>
struct std::is_error_code_enum<socketserver::TlsError> : std::true_type {};
