#include <socketserver/tls/info_of.hpp>

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

namespace socketserver::detail {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreeBy<GENERAL_NAMES_free>>;

constexpr int kMaxNames = 64;

BioPtr memory() {
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio) throw std::bad_alloc();
  return bio;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string subject_of(X509* certificate) {
  const BioPtr bio = memory();
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  return text_of(bio.get());
}

std::string pem_of(X509* certificate) {
  const BioPtr bio = memory();
  PEM_write_bio_X509(bio.get(), certificate);
  return text_of(bio.get());
}

std::string sha256_of(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  std::string hex;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4U];
    hex += "0123456789abcdef"[digest[i] & 15U];
  }
  return hex;
}

std::string string_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string address_of(const ASN1_OCTET_STRING* address) {
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(address) != 16) return "?";
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size());
  return text.data();
}

/// @returns empty for a kind that is not shown.
std::string name_of(const GENERAL_NAME* name) {
  switch (name->type) {
    case GEN_DNS: return "DNS:" + string_of(name->d.dNSName);
    case GEN_EMAIL: return "email:" + string_of(name->d.rfc822Name);
    case GEN_URI: return "URI:" + string_of(name->d.uniformResourceIdentifier);
    case GEN_IPADD: return "IP:" + address_of(name->d.iPAddress);
    default: return {};
  }
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const NamesPtr all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = all ? std::min(sk_GENERAL_NAME_num(all.get()), kMaxNames) : 0;
  for (int i = 0; i < count; ++i) {
    std::string name = name_of(sk_GENERAL_NAME_value(all.get(), i));
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

std::optional<PeerCertificate> peer_of(SSL* ssl) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return std::nullopt;
  return PeerCertificate{subject_of(certificate), names_of(certificate), sha256_of(certificate), pem_of(certificate)};
}

std::string protocol_of(SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return size > 0 ? std::string(reinterpret_cast<const char*>(name), size) : std::string();
}

}  // namespace

TlsInfo info_of(SSL* ssl) {
  const char* server_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  return {SSL_get_version(ssl), SSL_get_cipher_name(ssl),     server_name != nullptr ? server_name : "",
          protocol_of(ssl),     SSL_session_reused(ssl) == 1, peer_of(ssl)};
}

}  // namespace socketserver::detail
