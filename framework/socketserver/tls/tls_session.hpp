#pragma once
// One TLS connection between two buffers: ciphertext in, ciphertext out. Nothing here waits or talks to a stream.

#include <cstddef>
#include <memory>
#include <socketserver/tls/context_state.hpp>
#include <socketserver/tls/openssl.hpp>
#include <socketserver/tls/record_buffer.hpp>
#include <span>
#include <string>
#include <system_error>

namespace socketserver::detail {

/// What a call did. In each case there may be ciphertext to send.
struct TlsStep {
  enum class Outcome {
    done,
    wants_input,  // the next whole record
    end,          // the peer's close_notify
    failed,       // for good
  };

  Outcome outcome = Outcome::done;
  std::size_t bytes = 0;    // of plain text
  std::error_code error{};  // of failed
};

/// Threads: one call at a time; each leaves this thread's queue of OpenSSL's errors empty.
class TlsSession {
 public:
  /// @param context  outlives it. @param server_name  of a client.
  TlsSession(const TlsContext::State& context, std::string server_name);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession();

  TlsStep handshake();
  /// @param into  not empty.
  TlsStep read(std::span<std::byte> into);
  /// Takes a part of the bytes, one record's, and at least one.
  TlsStep write(std::span<const std::byte> bytes);
  /// Ends this direction. Does nothing before the handshake is complete, or after a failure.
  void send_close_notify();
  bool established() const noexcept { return SSL_is_init_finished(ssl_.get()) == 1; }
  /// Whether the next message has not begun to arrive.
  bool between_records() const noexcept { return input_.empty() && SSL_has_pending(ssl_.get()) == 0; }

  RecordBuffer& input() noexcept { return input_; }
  /// What is to be sent to the peer.
  std::string& output() noexcept { return output_; }
  SSL* native() noexcept { return ssl_.get(); }

 private:
  static const BIO_METHOD* method();
  static int bio_read(BIO* bio, char* into, int size) noexcept;
  static int bio_write(BIO* bio, const char* from, int size) noexcept;
  static long bio_control(BIO* bio, int command, long number, void* pointer) noexcept;
  TlsStep settle(int result, std::size_t bytes);
  std::error_code cause();

  const TlsContext::State& context_;
  const std::string server_name_;
  RecordBuffer input_;
  std::string output_;
  SslPtr ssl_;
  std::error_code failure_{};
};

}  // namespace socketserver::detail
