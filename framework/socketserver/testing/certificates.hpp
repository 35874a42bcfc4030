#pragma once
// Throw-away certificates, so that a test of TLS needs no files and no other program.
//
//   TestAuthority authority;
//   const auto context = TlsContext::server({.certificates = {authority.server({"localhost"})}});

#include <filesystem>
#include <memory>
#include <socketserver/base/clock.hpp>
#include <socketserver/tls/tls_context.hpp>
#include <string>
#include <vector>

namespace socketserver::testing {

/// When a certificate is valid, from now.
struct Validity {
  std::chrono::hours from{-1};    ///< negative began in the past
  std::chrono::hours to{24 * 7};  ///< negative has expired
};

/// An authority with a key of its own, on P-256: what it issues takes less than a millisecond. Threads: the owner.
class TestAuthority {
 public:
  /// @param name  its common name. @throws std::runtime_error  OpenSSL refuses.
  explicit TestAuthority(const std::string& name = "test authority");
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;
  ~TestAuthority();

  /// @returns its own certificate: what a client trusts, or a server verifies its clients by.
  Pem certificate() const;
  /// @returns a server's certificate and key. @param names  what it is for: names, as "*.example.com", and addresses.
  TlsCertificate server(const std::vector<std::string>& names, Validity valid = {}) const;
  /// @returns a client's certificate and key. @param name  its common name, and its only alternative name.
  TlsCertificate client(const std::string& name, Validity valid = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A folder of its own for the time of a test, with files that only its user can read.
class CertificateFiles {
 public:
  /// @throws std::runtime_error  it cannot be made.
  CertificateFiles();
  CertificateFiles(const CertificateFiles&) = delete;
  CertificateFiles& operator=(const CertificateFiles&) = delete;
  ~CertificateFiles();

  /// Writes a file. @returns its path.
  std::string write(const std::string& name, const Pem& pem) const;
  /// Writes NAME.pem and NAME.key. @returns the same certificate, by its files.
  TlsCertificate write(const std::string& name, const TlsCertificate& certificate) const;
  /// The folder.
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace socketserver::testing
