#include <socketserver/tls/context_callbacks.hpp>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstring>
#include <new>
#include <socketserver/tls/ticket_key_ring.hpp>

namespace socketserver::detail {
namespace {

using State = TlsContext::State;

int state_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// @returns the context that the connection was made from.
const State& state_of(SSL* ssl) { return *static_cast<const State*>(SSL_get_ex_data(ssl, state_index())); }

bool is_for(X509* certificate, const char* name) {
  const unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  return X509_check_host(certificate, name, std::strlen(name), flags, nullptr) == 1;
}

int on_server_name(SSL* ssl, int*, void*) noexcept {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  for (const State::Served& one : state_of(ssl).served) {
    if (!is_for(one.certificate.get(), name)) continue;
    SSL_set_SSL_CTX(ssl, one.context.get());
    break;
  }
  return SSL_TLSEXT_ERR_OK;
}

/// The server's order decides. Source: RFC 7301, section 3.2.
int on_protocols(SSL* ssl, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                 unsigned offered_length, void*) noexcept {
  const std::string& own = state_of(ssl).alpn;
  unsigned char* out = nullptr;
  const auto* wire = reinterpret_cast<const unsigned char*>(own.data());
  const int result =
      SSL_select_next_proto(&out, length, wire, static_cast<unsigned>(own.size()), offered, offered_length);
  *chosen = out;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, name.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
}

/// Source: RFC 6066, section 3: an address is not sent.
void expect_server(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool taken = is_address(name)
                         ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1
                         : SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  if (!taken) throw TlsContextError("server_name: " + take_openssl_text());
}

void offer_session(SSL* ssl, const State& context, const std::string& server_name) {
  const std::lock_guard lock(context.last.mutex);
  // A session of TLS 1.3 is used once, so that an observer cannot tell connections of one client. RFC 8446, appendix
  // C.4.
  if (!context.last.session || context.last.server_name != server_name) return;
  SSL_set_session(ssl, context.last.session.get());
  if (SSL_SESSION_get_protocol_version(context.last.session.get()) == TLS1_3_VERSION) context.last.session.reset();
}

/// @returns 1 to keep the session, 0 to have OpenSSL free it.
int on_session(SSL* ssl, SSL_SESSION* session) noexcept {
  const State& context = state_of(ssl);
  const std::string& name = *static_cast<const std::string*>(SSL_get_app_data(ssl));
  try {
    const std::lock_guard lock(context.last.mutex);
    context.last.server_name = name;
    context.last.session.reset(session);
    return 1;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

void begin_as_client(SSL* ssl, const State& context, const std::string& server_name) {
  SSL_set_connect_state(ssl);
  SSL_set_app_data(ssl, const_cast<std::string*>(&server_name));  // read only, by on_session()
  if (!context.alpn.empty()) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(context.alpn.data()),
                        static_cast<unsigned>(context.alpn.size()));
  }
  if (!server_name.empty()) {
    expect_server(ssl, server_name);
  } else if (SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE) {
    throw TlsContextError("a TLS client needs the server's name, to verify its certificate");
  }
  if (context.resumes) offer_session(ssl, context, server_name);
}

}  // namespace

void set_server_callbacks(SSL_CTX* context, bool has_protocols) {
  SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
  if (has_protocols) SSL_CTX_set_alpn_select_cb(context, on_protocols, nullptr);
}

void keep_sessions(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);
}

SslPtr new_connection(const TlsContext::State& context, const std::string& server_name) {
  ERR_clear_error();
  SslPtr ssl(SSL_new(context.served.front().context.get()));
  if (!ssl) throw std::bad_alloc();
  SSL_set_ex_data(ssl.get(), state_index(), const_cast<State*>(&context));  // read only
  if (context.is_server) {
    SSL_set_accept_state(ssl.get());
    set_ticket_keys(ssl.get(), &context.ticket_keys->state());
  } else {
    begin_as_client(ssl.get(), context, server_name);
  }
  return ssl;
}

}  // namespace socketserver::detail
