#include <socketserver/tls/tls_context.hpp>

#include <array>
#include <socketserver/base/text.hpp>
#include <socketserver/tls/certificate_file.hpp>
#include <socketserver/tls/context_callbacks.hpp>
#include <socketserver/tls/context_state.hpp>
#include <socketserver/tls/ticket_key_ring.hpp>

namespace socketserver {
namespace {

using State = TlsContext::State;
using Digest = std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH>;  // SHA-256

// Source: Mozilla, Server Side TLS 5.7, intermediate.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305";

void set_ciphers(SSL_CTX* context, const std::string& ciphers) {
  std::string old_suites, suites;
  for (std::size_t begin = 0; begin < ciphers.size();) {
    const std::size_t end = std::min(ciphers.find(':', begin), ciphers.size());
    const std::string one = ciphers.substr(begin, end - begin);
    std::string& list = one.starts_with("TLS_") ? suites : old_suites;
    list += (list.empty() ? "" : ":") + one;
    begin = end + 1;
  }
  const bool taken = (suites.empty() || SSL_CTX_set_ciphersuites(context, suites.c_str()) == 1) &&
                     SSL_CTX_set_cipher_list(context, old_suites.empty() ? kCiphers : old_suites.c_str()) == 1;
  if (!taken) throw TlsContextError(concat("ciphers \"", escaped(ciphers), "\": ", detail::take_openssl_text()));
}

std::string alpn_on_wire(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& one : protocols) {
    if (one.empty() || one.size() > 255) {
      throw TlsContextError(concat("alpn \"", escaped(one), "\": a protocol's name has 1 to 255 bytes"));
    }
    wire += static_cast<char>(one.size());
    wire += one;
  }
  return wire;
}

detail::SslContextPtr new_context(const SSL_METHOD* method, TlsVersion min_version, const std::string& ciphers) {
  detail::SslContextPtr context(SSL_CTX_new(method));
  if (!context) throw TlsContextError(concat("OpenSSL: ", detail::take_openssl_text()));
  const int version = min_version == TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  set_ciphers(context.get(), ciphers);
  return context;
}

int verify_mode(ClientCertificate wanted) {
  if (wanted == ClientCertificate::none) return SSL_VERIFY_NONE;
  return wanted == ClientCertificate::request ? SSL_VERIFY_PEER : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

/// The names of the authorities tell a client which of its certificates to send.
void ask_for_certificate(SSL_CTX* context, const TlsServerOptions& options) {
  SSL_CTX_set_verify(context, verify_mode(options.client_certificate), nullptr);
  if (!options.client_ca) return;
  detail::trust(context, *options.client_ca);
  for (const detail::X509Ptr& one : detail::read_certificates(*options.client_ca)) {
    SSL_CTX_add_client_CA(context, one.get());
  }
}

void check_digest(int result) {
  if (result != 1) throw TlsContextError(concat("OpenSSL: ", detail::take_openssl_text()));
}

/// A ticket stands for the certificate that its client has shown, or for none: it is good only where clients are
/// verified alike. Source: SSL_CTX_set_session_id_context(3).
Digest verification_of(const TlsServerOptions& options) {
  Digest digest{};
  std::string all(1, static_cast<char>(options.client_certificate));
  if (options.client_ca) {
    for (const detail::X509Ptr& one : detail::read_certificates(*options.client_ca)) {
      check_digest(X509_digest(one.get(), EVP_sha256(), digest.data(), nullptr));
      all.append(digest.begin(), digest.end());
    }
  }
  check_digest(EVP_Digest(all.data(), all.size(), digest.data(), nullptr, EVP_sha256(), nullptr));
  return digest;
}

/// Sessions are in tickets alone: none takes the server's memory.
void set_sessions(SSL_CTX* context, const TlsServerOptions& options) {
  const Digest verification = verification_of(options);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, verification.data(), verification.size());
  detail::use_ticket_keys(context);
  if (options.session_tickets) return;
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
}

State::Served serve(const TlsServerOptions& options, const TlsCertificate& certificate, State& state) {
  State::Served served{new_context(TLS_server_method(), options.min_version, options.ciphers), nullptr};
  SSL_CTX* context = served.context.get();
  SSL_CTX_set_dh_auto(context, 1);
  served.certificate = detail::use_certificate(context, certificate, state.warnings);
  ask_for_certificate(context, options);
  set_sessions(context, options);
  detail::set_server_callbacks(context, !state.alpn.empty());
  return served;
}

void trust_authorities(SSL_CTX* context, const TlsClientOptions& options) {
  SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (options.ca) return detail::trust(context, *options.ca);
  if (options.verify && SSL_CTX_set_default_verify_paths(context) != 1) {
    throw TlsContextError(concat("the system's certificate authorities: ", detail::take_openssl_text()));
  }
}

}  // namespace

TlsContext TlsContext::server(const TlsServerOptions& options) {
  if (options.certificates.empty()) throw TlsContextError("a TLS server needs a certificate");
  if (options.client_certificate != ClientCertificate::none && !options.client_ca) {
    throw TlsContextError("client certificates are verified by client_ca, and there is none");
  }
  auto state = std::make_shared<State>();
  state->is_server = true;
  state->alpn = alpn_on_wire(options.alpn);
  state->ticket_keys = options.ticket_keys ? options.ticket_keys : std::make_shared<TlsTicketKeys>();
  for (const TlsCertificate& one : options.certificates) state->served.push_back(serve(options, one, *state));
  return TlsContext(std::move(state));
}

TlsContext TlsContext::client(const TlsClientOptions& options) {
  auto state = std::make_shared<State>();
  state->alpn = alpn_on_wire(options.alpn);
  state->server_name = options.server_name;
  state->resumes = options.resume_sessions;
  State::Served served{new_context(TLS_client_method(), options.min_version, options.ciphers), nullptr};
  SSL_CTX* context = served.context.get();
  trust_authorities(context, options);
  if (options.certificate) {
    served.certificate = detail::use_certificate(context, *options.certificate, state->warnings);
  }
  if (state->resumes) detail::keep_sessions(context);
  state->served.push_back(std::move(served));
  return TlsContext(std::move(state));
}

const std::vector<std::string>& TlsContext::warnings() const noexcept { return state_->warnings; }
const std::string& TlsContext::server_name() const noexcept { return state_->server_name; }

}  // namespace socketserver
