#include <socketserver/tls/ticket_key_ring.hpp>

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace socketserver {
namespace {

using KeyRing = TlsTicketKeys::State;

template <std::size_t N>
void fill_random(std::array<unsigned char, N>& bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(N)) != 1) throw std::runtime_error("no random bytes for ticket keys");
}

KeyRing::Key random_key() {
  KeyRing::Key key;
  fill_random(key.name);
  fill_random(key.cipher);
  fill_random(key.mac);
  return key;
}

int keys_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool set_mac_key(EVP_MAC_CTX* mac, KeyRing::Key& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

/// The results are those of SSL_CTX_set_tlsext_ticket_key_evp_cb(3): -1 error, 0 no such key, 1 done, 2 done, and the
/// client needs a new ticket.
int begin_ticket(KeyRing& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
  KeyRing::Key key = keys.newest();
  if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
  std::copy(key.name.begin(), key.name.end(), name);
  return EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 && set_mac_key(mac, key)
             ? 1
             : -1;
}

int open_ticket(SSL* ssl, KeyRing& keys, const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                EVP_MAC_CTX* mac) {
  auto [found, key] = keys.find(name);
  if (found == KeyRing::Found::no) return 0;
  if (!set_mac_key(mac, key)) return -1;
  if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) != 1) return -1;
  // A client of TLS 1.3 uses a ticket once, and needs another for its next connection.
  return found == KeyRing::Found::current && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
              int encrypt) noexcept {
  auto* keys = static_cast<KeyRing*>(SSL_get_ex_data(ssl, keys_index()));
  if (keys == nullptr) return -1;
  try {
    return encrypt == 1 ? begin_ticket(*keys, name, iv, cipher, mac) : open_ticket(ssl, *keys, name, iv, cipher, mac);
  } catch (const std::runtime_error&) {
    return -1;
  }
}

}  // namespace

TlsTicketKeys::TlsTicketKeys(Duration interval, const Clock& clock) : state_(std::make_unique<State>(interval, clock)) {
  state_->current = random_key();
  state_->previous = random_key();
  state_->made = clock.now();
}

TlsTicketKeys::~TlsTicketKeys() = default;

void TlsTicketKeys::rotate() {
  const std::lock_guard lock(state_->mutex);
  state_->rotate_locked();
}

KeyRing::Key KeyRing::newest() {
  const std::lock_guard lock(mutex);
  rotate_if_due();
  return current;
}

std::pair<KeyRing::Found, KeyRing::Key> KeyRing::find(const unsigned char* name) {
  const std::lock_guard lock(mutex);
  rotate_if_due();
  if (std::equal(current.name.begin(), current.name.end(), name)) return {Found::current, current};
  if (std::equal(previous.name.begin(), previous.name.end(), name)) return {Found::previous, previous};
  return {Found::no, {}};
}

void KeyRing::rotate_locked() {
  previous = std::exchange(current, random_key());
  made = clock.now();
}

/// After two intervals without a ticket both keys are too old.
void KeyRing::rotate_if_due() {
  const Duration age = clock.now() - made;
  if (age < interval) return;
  rotate_locked();
  if (age >= 2 * interval) previous = random_key();
}

void detail::use_ticket_keys(SSL_CTX* context) { SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket); }

void detail::set_ticket_keys(SSL* ssl, TlsTicketKeys::State* keys) { SSL_set_ex_data(ssl, keys_index(), keys); }

}  // namespace socketserver
