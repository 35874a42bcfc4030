#include <socketserver/tls/tls_session.hpp>

#include <openssl/err.h>

#include <algorithm>
#include <new>
#include <socketserver/tls/tls_error.hpp>
#include <utility>

namespace socketserver::detail {
namespace {

constexpr std::size_t kMaxPlain = 16384;  // of one record. Source: RFC 8446, section 5.1

using BioMethodPtr = std::unique_ptr<BIO_METHOD, FreeBy<BIO_meth_free>>;

}  // namespace

TlsSession::TlsSession(const TlsContext::State& context, std::string server_name)
    : context_(context), server_name_(std::move(server_name)), ssl_(new_connection(context, server_name_)) {
  BIO* bio = BIO_new(method());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);  // which owns it then
}

/// SSL_free takes a session whose end was not a close_notify for one that must not be resumed, as SSL 3 had it.
/// Source: RFC 5246, section 7.2.1: that is no longer so.
TlsSession::~TlsSession() {
  if (!failure_ && established()) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

const BIO_METHOD* TlsSession::method() {
  static const BioMethodPtr made = [] {
    BioMethodPtr method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socketserver"));
    if (!method) throw std::bad_alloc();
    BIO_meth_set_read(method.get(), bio_read);
    BIO_meth_set_write(method.get(), bio_write);
    BIO_meth_set_ctrl(method.get(), bio_control);
    return method;
  }();
  return made.get();
}

int TlsSession::bio_read(BIO* bio, char* into, int size) noexcept {
  auto& session = *static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  const std::size_t taken =
      session.input_.take(std::as_writable_bytes(std::span(into, static_cast<std::size_t>(size))));
  if (taken > 0) return static_cast<int>(taken);
  BIO_set_retry_read(bio);
  return -1;
}

int TlsSession::bio_write(BIO* bio, const char* from, int size) noexcept {
  auto& session = *static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  try {
    session.output_.append(from, static_cast<std::size_t>(size));
    return size;
  } catch (const std::bad_alloc&) {
    return -1;
  }
}

long TlsSession::bio_control(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH ? 1 : 0; }

TlsStep TlsSession::handshake() {
  if (failure_) return {TlsStep::Outcome::failed, 0, failure_};
  ERR_clear_error();
  return settle(SSL_do_handshake(ssl_.get()), 0);
}

TlsStep TlsSession::read(std::span<std::byte> into) {
  if (failure_) return {TlsStep::Outcome::failed, 0, failure_};
  ERR_clear_error();
  std::size_t bytes = 0;
  const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
  return settle(result, bytes);
}

TlsStep TlsSession::write(std::span<const std::byte> bytes) {
  if (failure_) return {TlsStep::Outcome::failed, 0, failure_};
  ERR_clear_error();
  std::size_t taken = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), std::min(bytes.size(), kMaxPlain), &taken);
  return settle(result, taken);
}

void TlsSession::send_close_notify() {
  if (failure_ || !established()) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

TlsStep TlsSession::settle(int result, std::size_t bytes) {
  if (result > 0) return {TlsStep::Outcome::done, bytes, {}};
  const int error = SSL_get_error(ssl_.get(), result);
  // OpenSSL waits for a record's header; its first byte tells.
  const bool plain_text = input_.touched() && !input_.looks_like_tls();
  if (error == SSL_ERROR_WANT_READ && !plain_text) return {TlsStep::Outcome::wants_input, 0, {}};
  if (error == SSL_ERROR_ZERO_RETURN) return {TlsStep::Outcome::end, 0, {}};
  failure_ = cause();
  return {TlsStep::Outcome::failed, 0, failure_};
}

std::error_code TlsSession::cause() {
  const std::error_code error = take_openssl_error();
  if (established()) return error;
  if (input_.touched() && !input_.looks_like_tls()) return TlsError::not_tls;
  const bool unverified = error.category() == tls_category() &&
                          ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (!unverified) return error;
  return verify_error(context_.is_server ? CertificateOf::client : CertificateOf::server,
                      SSL_get_verify_result(ssl_.get()));
}

}  // namespace socketserver::detail
