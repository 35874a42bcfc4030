#pragma once
// TLS over any stream: a socket, or one in memory in a test.

#include <memory>
#include <socketserver/base/visibility.hpp>
#include <socketserver/io/stream.hpp>
#include <socketserver/tls/tls_context.hpp>
#include <socketserver/tls/tls_error.hpp>
#include <socketserver/tls/tls_info.hpp>
#include <string>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Encrypts what is sent and decrypts what is received, with the deadlines, the drain and the clock of the stream
/// below. The peer's close_notify is EOF; sending remains possible, as on a socket. An end without it is the error
/// TlsError::truncated, unless this side was drained between two records. A waiting connection has no buffers.
/// Threads: as Stream: a reader that waits does not hold up a sender. shutdown() and end_session() may come from any
/// thread, and wait for what is being sent.
class TlsStream final : public Stream {
 public:
  /// @param below        outlives it; only this stream reads it and writes to it.
  /// @param context      a server's or a client's, which decides this end's role.
  /// @param server_name  for a client, where it is not the context's: the name that the certificate has to be for.
  /// @throws TlsContextError  a client verifies the server, and has no name to do it by.
  TlsStream(Stream& below, const TlsContext& context, std::string server_name = {});
  /// As above, for a stream that it owns.
  TlsStream(std::unique_ptr<Stream> below, const TlsContext& context, std::string server_name = {});
  /// The same, and has the handshake take place.
  /// @throws TimeoutError, StreamError  it has not by the deadline, or fails.
  TlsStream(std::unique_ptr<Stream> below, const TlsContext& context, std::string server_name,
            Deadline handshake_until);
  /// Does not send close_notify, so that a peer of a program that failed sees the truncation: see close().
  ~TlsStream() override;

  /// Has the handshake take place now, all of it until the deadline; otherwise the first read or send does it. After a
  /// timeout it can be continued.
  /// @returns no bytes, and an error for tls_failure().
  IoResult handshake(Deadline deadline);
  /// The same with exceptions, within the write timeout. @throws TimeoutError, StreamError.
  void do_handshake();
  /// Whether the handshake is complete. Threads: any.
  bool established() const noexcept;
  /// Whether the handshake has continued an earlier session: TlsInfo::resumed alone, for a counter. Threads: any.
  bool resumed() const;
  /// @returns what was agreed on; before the handshake is complete what is known so far. Threads: any.
  TlsInfo info() const;

  /// Sends close_notify and leaves the stream below as it is, for a server that holds its FIN back. Later sends fail;
  /// reading continues. Does not wait for the peer's. Safe to call twice: it then passes on what is left.
  IoResult end_session(Deadline deadline) noexcept;

  /// @name Stream's, for TLS
  ///@{

  /// As in Stream: end_session() within the write timeout, then the shutdown of the stream below.
  void shutdown(ShutdownHow how = ShutdownHow::both) noexcept override;
  IoResult shutdown_write(Deadline deadline) noexcept override;
  /// Sends close_notify if that takes no wait and no send has failed, then closes the stream below.
  void close() noexcept override;
  void drain() noexcept override;
  void abort() noexcept override;
  const Clock& clock() const noexcept override;
  bool end_is_local() const noexcept override;
  IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) override;
  bool waits_without_buffer() const noexcept override;
  IoResult wait_some(Deadline deadline, Wait wait) override;
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override;
  ///@}

  struct State;  ///< private to tls/

 private:
  std::unique_ptr<State> state_;
};

}  // namespace socketserver
