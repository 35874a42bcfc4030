#include <socketserver/testing/certificates.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <socketserver/base/text.hpp>
#include <socketserver/tls/openssl.hpp>
#include <stdexcept>
#include <system_error>

namespace socketserver::testing {
namespace {

using Certificate = socketserver::detail::X509Ptr;
using Key = socketserver::detail::KeyPtr;
using Bio = socketserver::detail::BioPtr;
using Extension = std::unique_ptr<X509_EXTENSION, socketserver::detail::FreeBy<X509_EXTENSION_free>>;

/// @returns the object, or a success. @throws std::runtime_error.
template <typename T>
T made(T object, const char* what) {
  if (object) return object;
  const char* reason = ERR_reason_error_string(ERR_get_error());
  throw std::runtime_error(concat("test certificate: ", what, ": ", reason != nullptr ? reason : "failed"));
}

Key new_key() { return Key(made(EVP_EC_gen("P-256"), "key")); }

template <typename Write>
std::string pem_by(Write write) {
  const Bio bio(made(BIO_new(BIO_s_mem()), "memory"));
  made(write(bio.get()) == 1, "PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  return pem_by([certificate](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string pem_of(EVP_PKEY* key) {
  return pem_by([key](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

void add(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(made(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), value.c_str()));
  made(X509_add_ext(certificate, extension.get(), -1) == 1, "extension");
}

void set_random_serial(X509* certificate) {
  std::array<unsigned char, 8> bytes{};
  made(RAND_bytes(bytes.data(), bytes.size()) == 1, "serial");
  std::uint64_t serial = 1;
  for (const unsigned char byte : bytes) serial = (serial << 7U) + byte;
  made(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1, "serial");
}

Certificate new_certificate(const std::string& name, EVP_PKEY* key, Validity valid) {
  Certificate certificate(made(X509_new(), "certificate"));
  X509_set_version(certificate.get(), X509_VERSION_3);
  set_random_serial(certificate.get());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), std::chrono::seconds(valid.from).count());
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), std::chrono::seconds(valid.to).count());
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8, text, -1, -1, 0);
  made(X509_set_pubkey(certificate.get(), key) == 1, "key");
  return certificate;
}

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names)
    text += concat(text.empty() ? "" : ",", is_address(name) ? "IP:" : "DNS:", name);
  return text;
}

}  // namespace

struct TestAuthority::State {
  Key key = new_key();
  Certificate certificate;

  TlsCertificate issue(const std::vector<std::string>& names, const char* purpose, Validity valid) const {
    const Key own = new_key();
    const Certificate one = new_certificate(names.at(0), own.get(), valid);
    made(X509_set_issuer_name(one.get(), X509_get_subject_name(certificate.get())) == 1, "issuer");
    add(one.get(), certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
    add(one.get(), certificate.get(), NID_ext_key_usage, purpose);
    add(one.get(), certificate.get(), NID_subject_alt_name, alternative_names(names));
    made(X509_sign(one.get(), key.get(), EVP_sha256()) > 0, "signature");
    return {Pem::text(pem_of(one.get()), names.at(0) + ".pem"), Pem::text(pem_of(own.get()), names.at(0) + ".key")};
  }
};

TestAuthority::TestAuthority(const std::string& name) : state_(std::make_unique<State>()) {
  state_->certificate = new_certificate(name, state_->key.get(), {});
  X509* own = state_->certificate.get();
  made(X509_set_issuer_name(own, X509_get_subject_name(own)) == 1, "issuer");
  add(own, own, NID_basic_constraints, "critical,CA:TRUE");
  add(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  add(own, own, NID_subject_key_identifier, "hash");
  made(X509_sign(own, state_->key.get(), EVP_sha256()) > 0, "signature");
}

TestAuthority::~TestAuthority() = default;

Pem TestAuthority::certificate() const { return Pem::text(pem_of(state_->certificate.get()), "authority.pem"); }

TlsCertificate TestAuthority::server(const std::vector<std::string>& names, Validity valid) const {
  return state_->issue(names, "serverAuth", valid);
}

TlsCertificate TestAuthority::client(const std::string& name, Validity valid) const {
  return state_->issue({name}, "clientAuth", valid);
}

CertificateFiles::CertificateFiles() {
  std::string name = (std::filesystem::temp_directory_path() / "certificates-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
  path_ = name;
}

CertificateFiles::~CertificateFiles() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string CertificateFiles::write(const std::string& name, const Pem& pem) const {
  std::string path = (path_ / name).string();
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) throw std::system_error(errno, std::generic_category(), path);
  const ssize_t written = ::write(file, pem.content().data(), pem.content().size());
  ::close(file);
  if (written != static_cast<ssize_t>(pem.content().size())) throw std::runtime_error(path + ": cannot be written");
  return path;
}

TlsCertificate CertificateFiles::write(const std::string& name, const TlsCertificate& certificate) const {
  return {write(name + ".pem", certificate.chain), write(name + ".key", certificate.key)};
}

}  // namespace socketserver::testing
