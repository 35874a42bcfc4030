#include <socketserver/tls/certificate_file.hpp>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <socketserver/base/text.hpp>

namespace socketserver::detail {
namespace {

constexpr std::size_t kMaxPem = std::size_t{1} << 20U;  // a file of system roots is a quarter of that

[[noreturn]] void fail(const Pem& pem, std::string_view problem) {
  throw TlsContextError(concat(pem.name(), ": ", problem));
}

std::string content(const Pem& pem) {
  if (!pem.is_file()) return pem.content();
  struct stat status {};
  if (::stat(pem.name().c_str(), &status) != 0) fail(pem, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail(pem, "is not a file");
  if (static_cast<std::size_t>(status.st_size) > kMaxPem) fail(pem, "is longer than 1 MiB");
  std::ifstream file(pem.name(), std::ios::binary);
  if (!file) fail(pem, std::strerror(errno));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

BioPtr bio_of(const std::string& text) {
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

/// An encrypted key is refused; there is no terminal to ask at.
int no_password(char*, int, int, void*) { return -1; }

bool at_end_of_pem() { return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; }

std::string date(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

void warn_of_dates(X509* certificate, const std::string& name, std::vector<std::string>& warnings) {
  const ASN1_TIME* end = X509_get0_notAfter(certificate);
  const ASN1_TIME* begin = X509_get0_notBefore(certificate);
  if (X509_cmp_current_time(end) < 0) warnings.push_back(concat(name, ": the certificate expired at ", date(end)));
  if (X509_cmp_current_time(begin) > 0) {
    warnings.push_back(concat(name, ": the certificate is not valid before ", date(begin)));
  }
}

void warn_of_mode(const Pem& key, std::vector<std::string>& warnings) {
  struct stat status {};
  if (!key.is_file() || ::stat(key.name().c_str(), &status) != 0) return;
  if ((status.st_mode & S_IROTH) == 0) return;
  warnings.push_back(concat(key.name(), ": every user of this system can read the key"));
}

}  // namespace

std::vector<X509Ptr> read_certificates(const Pem& pem) {
  const std::string text = content(pem);
  const BioPtr bio = bio_of(text);
  std::vector<X509Ptr> certificates;
  ERR_clear_error();
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) certificates.emplace_back(one);
  const bool whole = at_end_of_pem();
  const std::string problem = take_openssl_text();
  if (!whole) fail(pem, concat("is not valid PEM: ", problem));
  if (certificates.empty()) fail(pem, "has no certificate");
  return certificates;
}

KeyPtr read_key(const Pem& pem) {
  const std::string text = content(pem);
  const BioPtr bio = bio_of(text);
  ERR_clear_error();
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key) return key;
  const bool none = text.find("PRIVATE KEY-----") == std::string::npos;
  const bool encrypted = text.find("ENCRYPTED") != std::string::npos;
  const std::string problem = take_openssl_text();
  if (none) fail(pem, "has no private key");
  if (encrypted) fail(pem, "the key is encrypted, and there is nothing to ask for its password");
  fail(pem, concat("is not valid PEM: ", problem));
}

X509Ptr use_certificate(SSL_CTX* context, const TlsCertificate& certificate, std::vector<std::string>& warnings) {
  std::vector<X509Ptr> chain = read_certificates(certificate.chain);
  const KeyPtr key = read_key(certificate.key);
  ERR_clear_error();
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    ERR_clear_error();
    fail(certificate.key, concat("the key does not fit the certificate of ", certificate.chain.name()));
  }
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1 || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    fail(certificate.chain, take_openssl_text());  // such as a key that is too short for the security level
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) fail(certificate.chain, take_openssl_text());
  }
  for (const X509Ptr& one : chain) warn_of_dates(one.get(), certificate.chain.name(), warnings);
  warn_of_mode(certificate.key, warnings);
  return std::move(chain.front());
}

void trust(SSL_CTX* context, const Pem& authorities) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const X509Ptr& one : read_certificates(authorities)) {
    ERR_clear_error();
    if (X509_STORE_add_cert(store, one.get()) != 1) fail(authorities, take_openssl_text());
  }
}

}  // namespace socketserver::detail
