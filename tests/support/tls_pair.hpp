#pragma once
// The two ends of a TLS connection in memory.

#include <algorithm>
#include <future>
#include <limits>
#include <mutex>
#include <socketserver/io/forwarding_stream.hpp>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/testing/certificates.hpp>
#include <socketserver/tls/tls_stream.hpp>
#include <socketserver/wait/detail/wait_list.hpp>
#include <string>

namespace testing_support {

inline constexpr std::chrono::seconds kTlsBound(20);

/// One authority for all tests of a program.
inline const socketserver::testing::TestAuthority& authority() {
  static const socketserver::testing::TestAuthority made;
  return made;
}

inline socketserver::TlsServerOptions server_options() {
  return {.certificates = {authority().server({"localhost", "127.0.0.1"})}};
}

inline socketserver::TlsClientOptions client_options() {
  return {.ca = authority().certificate(), .server_name = "localhost"};
}

/// The stream below an end: passes on as much as the test lets through, in either direction.
class HeldStream final : public socketserver::detail::ForwardingStream {
 public:
  explicit HeldStream(socketserver::MemoryStream& below) : ForwardingStream(below) {}
  /// Lets this many bytes through; what is left of a read is for the next, and waits for release().
  void hold_after(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    room_ = bytes;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    room_ = kEverything;
    changed_.notify_all();
  }
  /// Waits until a reader waits for release().
  bool wait_until_held() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, socketserver::Deadline::after(kTlsBound), [this] { return held_; });
  }

  /// What the newest read waits for.
  socketserver::Wait last_wait() {
    const std::lock_guard lock(mutex_);
    return last_wait_;
  }
  /// Of the next write, passes this number of bytes on and keeps the rest.
  void keep_after(std::size_t bytes) { passed_at_once_ = bytes; }
  void send_kept() {
    below().sendall(kept_);
    kept_.clear();
    passed_at_once_ = kEverything;
  }

  socketserver::IoResult read_some(std::span<std::byte> into, socketserver::Deadline deadline,
                                   socketserver::Wait wait) override {
    std::unique_lock lock(mutex_);
    last_wait_ = wait;
    if (room_ == 0) {
      held_ = true;
      changed_.notify_all();
      if (!changed_.wait_for(lock, deadline, [this] { return room_ > 0; })) {
        return {0, std::make_error_code(std::errc::timed_out)};
      }
    }
    const std::size_t most = std::min(room_, into.size());
    lock.unlock();
    const socketserver::IoResult result = below().read_some(into.first(most), deadline, wait);
    lock.lock();
    if (room_ != kEverything) room_ -= result.bytes;
    return result;
  }
  socketserver::IoResult write_some(std::span<const std::byte> bytes, socketserver::Deadline deadline) override {
    const std::size_t now = std::min(bytes.size(), passed_at_once_);
    const socketserver::IoResult result = below().write_some(bytes.first(now), deadline);
    if (result.error || now == bytes.size()) return result;
    kept_.assign(reinterpret_cast<const char*>(bytes.data()) + now, bytes.size() - now);
    return {bytes.size(), {}};
  }

 private:
  static constexpr std::size_t kEverything = std::numeric_limits<std::size_t>::max();
  std::mutex mutex_;
  socketserver::detail::WaitList changed_;  // guarded by mutex_, as is all below
  std::size_t room_ = kEverything;
  bool held_ = false;
  socketserver::Wait last_wait_ = socketserver::Wait::message;
  std::size_t passed_at_once_ = kEverything;  // the writer's, as is the next
  std::string kept_;
};

/// Both run on the steady clock; every wait ends in kTlsBound.
struct TlsPair {
  explicit TlsPair(const socketserver::TlsServerOptions& server_with = server_options(),
                   const socketserver::TlsClientOptions& client_with = client_options())
      : TlsPair(socketserver::TlsContext::server(server_with), socketserver::TlsContext::client(client_with)) {}
  TlsPair(const socketserver::TlsContext& server_context, const socketserver::TlsContext& client_context)
      : wires(socketserver::MemoryStream::pair()),
        held(*wires.first),
        client_held(*wires.second),
        server(held, server_context),
        client(client_held, client_context) {
    server.settimeout(kTlsBound);
    client.settimeout(kTlsBound);
  }

  struct Results {
    socketserver::IoResult server, client;
  };
  /// Each end in a thread of its own.
  Results handshake() {
    auto at_server = std::async(std::launch::async, [this] { return end_of(server); });
    const socketserver::IoResult at_client = end_of(client);
    return {at_server.get(), at_client};
  }

  std::pair<std::unique_ptr<socketserver::MemoryStream>, std::unique_ptr<socketserver::MemoryStream>> wires;
  HeldStream held;  // below the server's end
  HeldStream client_held;
  socketserver::TlsStream server;
  socketserver::TlsStream client;

 private:
  /// An end that fails hangs up, as a program does.
  static socketserver::IoResult end_of(socketserver::TlsStream& stream) {
    const socketserver::IoResult result = stream.handshake(socketserver::Deadline::after(kTlsBound));
    if (result.error) stream.shutdown();
    return result;
  }
};

/// Reads until there are this many bytes, or EOF.
inline std::string read_exactly(socketserver::Stream& stream, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) {
    const std::string part = stream.recv(bytes - all.size());
    if (part.empty()) break;
    all += part;
  }
  return all;
}

}  // namespace testing_support
