#pragma once
// A client made of OpenSSL alone, which does what a TlsStream never does: renegotiates, updates its keys, speaks old
// versions. Blocking; a failure is a result.

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <socketserver/io/stream.hpp>
#include <string>
#include <string_view>

namespace testing_support {

class RawTlsPeer {
 public:
  /// @param wire  outlives it. @param max_version  the newest that it speaks, TLS1_3_VERSION or older.
  explicit RawTlsPeer(socketserver::Stream& wire, int max_version = TLS1_3_VERSION)
      : wire_(wire), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), ssl_(nullptr, SSL_free) {
    SSL_CTX_set_security_level(context_.get(), 0);  // for the old versions
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    SSL_CTX_set_options(context_.get(), SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
  }

  SSL* ssl() { return ssl_.get(); }
  bool handshake() {
    return until([this] { return SSL_do_handshake(ssl_.get()); }) > 0;
  }
  bool send(std::string_view bytes) {
    return until([this, bytes] { return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())); }) > 0;
  }
  /// @returns what comes next; empty at the end, whichever it is.
  std::string receive() {
    std::array<char, 16384> into{};
    const int got = until([this, &into] { return SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size())); });
    return got > 0 ? std::string(into.data(), static_cast<std::size_t>(got)) : std::string();
  }
  /// @returns the first error's reason since the last call.
  std::string reason() const { return reason_; }

 private:
  template <typename Call>
  int until(Call call) {
    for (;;) {
      ERR_clear_error();
      const int result = call();
      const int error = SSL_get_error(ssl_.get(), result);
      const char* reason = ERR_reason_error_string(ERR_peek_error());
      if (reason != nullptr) reason_ = reason;
      flush();
      if (result > 0 || error != SSL_ERROR_WANT_READ || !fill()) return result;
    }
  }
  void flush() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
    if (size > 0) (void)wire_.try_sendall(std::string_view(data, static_cast<std::size_t>(size)));
    (void)BIO_reset(SSL_get_wbio(ssl_.get()));
  }
  bool fill() {
    std::array<std::byte, 4096> into{};
    const socketserver::IoResult result = wire_.try_recv(into);
    if (result.bytes > 0) BIO_write(SSL_get_rbio(ssl_.get()), into.data(), static_cast<int>(result.bytes));
    return result.bytes > 0;
  }

  socketserver::Stream& wire_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  std::string reason_;
};

}  // namespace testing_support
