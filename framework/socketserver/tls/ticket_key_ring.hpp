#pragma once
// How OpenSSL asks for the keys of session tickets.

#include <array>
#include <mutex>
#include <socketserver/base/deadline.hpp>
#include <socketserver/tls/openssl.hpp>
#include <socketserver/tls/tls_ticket_keys.hpp>

namespace socketserver {

struct TlsTicketKeys::State {
  /// Sizes of AES-256 and of HMAC with SHA-256; the name is OpenSSL's 16 bytes.
  struct Key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
  };
  enum class Found { no, previous, current };

  State(Duration every, const Clock& on) : interval(every), clock(on) {}
  /// @returns the key for new tickets.
  Key newest();
  /// @returns which key has this name, and that key.
  std::pair<Found, Key> find(const unsigned char* name);
  void rotate_locked();
  void rotate_if_due();

  const Duration interval;
  const Clock& clock;
  std::mutex mutex;
  Key current{};  // guarded by mutex, as is all below
  Key previous{};
  TimePoint made{};
};

namespace detail {

/// Has the context make and take tickets with the keys of each connection.
void use_ticket_keys(SSL_CTX* context);
/// Sets the keys of one connection; they outlive it.
void set_ticket_keys(SSL* ssl, TlsTicketKeys::State* keys);

}  // namespace detail
}  // namespace socketserver
