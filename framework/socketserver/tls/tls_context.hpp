#pragma once
// What many TLS connections share: certificates, keys, and what is asked of the peer. Made once, checked as it is made.

#include <memory>
#include <optional>
#include <socketserver/base/visibility.hpp>
#include <socketserver/tls/tls_ticket_keys.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

/// A certificate, a key or authorities that cannot be used. what() names the file and what is wrong with it.
class TlsContextError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// PEM, in a file or as text. A path is the default: TlsCertificate{"server.pem", "server.key"}.
class Pem {
 public:
  /// A file's path. Implicit, so that a path can be assigned.
  Pem(std::string path) : content_(std::move(path)) {}
  /// @overload
  Pem(const char* path) : content_(path) {}
  /// @param name  for errors and warnings.
  static Pem text(std::string pem, std::string name = "<text>") { return Pem(std::move(pem), std::move(name)); }

  /// Whether it is a file, which is read when a context is made.
  bool is_file() const noexcept { return !is_text_; }
  /// @returns the path, or the name of the text.
  const std::string& name() const noexcept { return is_text_ ? name_ : content_; }
  /// @returns the text; of a file its path.
  const std::string& content() const noexcept { return content_; }

 private:
  Pem(std::string pem, std::string name) : content_(std::move(pem)), name_(std::move(name)), is_text_(true) {}

  std::string content_;
  std::string name_{};
  bool is_text_ = false;
};

/// A certificate with its key.
struct TlsCertificate {
  Pem chain;  ///< the certificate first, then those of its issuers, without the root
  Pem key;    ///< its private key, not encrypted
};

/// The oldest version that is spoken.
enum class TlsVersion { v1_2, v1_3 };

/// Whether a server asks for the client's certificate. One that is sent is always verified.
enum class ClientCertificate { none, request, require };

/// A server's side.
struct TlsServerOptions {
  /// At least one. The client's server name chooses among them, by their subject alternative names, wildcards
  /// included; the first is for a client without a name, or with one that no certificate has.
  std::vector<TlsCertificate> certificates{};
  std::optional<Pem> client_ca{};  ///< the authorities that clients' certificates are verified by
  ClientCertificate client_certificate = ClientCertificate::none;  ///< other than none needs client_ca
  TlsVersion min_version = TlsVersion::v1_2;                       ///< older ones are refused
  /// OpenSSL's names with ':' between them; those with TLS_ are TLS 1.3's. Empty is Mozilla's intermediate set.
  std::string ciphers{};
  /// Application protocols, best first. A client that offers others only is refused (RFC 7301); one that offers none is
  /// not. Empty ignores what is offered.
  std::vector<std::string> alpn{};
  bool session_tickets = true;  ///< whether a client may resume a session, without a signature; costs no memory
  /// What tickets are encrypted with. Null makes keys for this context; a caller that replaces its context gives both
  /// the same keys, so that sessions survive.
  std::shared_ptr<TlsTicketKeys> ticket_keys{};
};

/// A client's side.
struct TlsClientOptions {
  std::optional<Pem> ca{};  ///< the authorities that the server's certificate is verified by; nullopt is the system's
  std::optional<TlsCertificate> certificate{};  ///< for servers that ask for one
  /// The name, or the address, that the server's certificate has to be for, and that is sent to the server if it is a
  /// name. create_tls_connection() takes the host where it is empty.
  std::string server_name{};
  std::vector<std::string> alpn{};            ///< application protocols to offer, best first
  TlsVersion min_version = TlsVersion::v1_2;  ///< older ones are refused
  std::string ciphers{};                      ///< as the server's
  bool verify = true;                         ///< false accepts any certificate: only for tests
  bool resume_sessions = true;                ///< offers the last session's ticket to the same server name
};

/// A shared, immutable context. Copies are the same one. A server replaces its context at a reload; connections keep
/// theirs. Threads: any.
class TlsContext {
 public:
  /// Reads and checks all that the options name.
  /// @throws TlsContextError  a file cannot be read or has nothing of its kind, a key does not fit its certificate, a
  /// cipher is unknown.
  static TlsContext server(const TlsServerOptions& options);
  /// @overload
  static TlsContext client(const TlsClientOptions& options);

  /// @returns what should be looked at, a text each: a certificate that is not valid now, with its date, and a key file
  /// that other users can read.
  const std::vector<std::string>& warnings() const noexcept;
  /// @returns a client's server_name.
  const std::string& server_name() const noexcept;

  struct State;  ///< private to tls/

 private:
  friend class TlsStream;
  explicit TlsContext(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;  // shared by the copies, and by the streams made from them
};

}  // namespace socketserver
