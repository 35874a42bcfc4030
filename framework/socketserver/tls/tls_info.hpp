#pragma once
// What a handshake has agreed on.

#include <optional>
#include <socketserver/base/visibility.hpp>
#include <string>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

/// A peer's certificate, which has been verified unless the client's options say otherwise.
struct PeerCertificate {
  std::string subject;  ///< its distinguished name, as RFC 2253 writes it: "CN=worker-7,O=Example"
  std::vector<std::string>
      names;           ///< subject alternative names: "DNS:...", "IP:...", "email:...", "URI:..."; 64 at most
  std::string sha256;  ///< of its DER form, 64 lower-case hex digits
  std::string pem;     ///< all of it
};

/// A value.
struct TlsInfo {
  std::string version;      ///< "TLSv1.3"
  std::string cipher;       ///< OpenSSL's name: "TLS_AES_128_GCM_SHA256"
  std::string server_name;  ///< that the client asked for; empty if it did not
  std::string alpn;         ///< the application protocol; empty if none was agreed on
  bool resumed = false;     ///< an earlier session was continued, without certificates on the wire
  std::optional<PeerCertificate> peer_certificate{};  ///< nullopt if the peer has sent none
};

}  // namespace socketserver
