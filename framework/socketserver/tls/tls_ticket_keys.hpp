#pragma once
// The keys that a server encrypts session tickets with.

#include <memory>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/visibility.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Random keys that change by themselves: tickets are made with the newest, and taken if they were made with it or
/// the one before. So a ticket is good for one interval at least, and what one key protects is bounded.
/// Threads: any.
class TlsTicketKeys {
 public:
  /// @param interval  how long tickets are made with one key. @param clock  outlives the keys.
  explicit TlsTicketKeys(Duration interval = std::chrono::hours(1), const Clock& clock = steady_clock());
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;
  ~TlsTicketKeys();

  /// Makes a new key now.
  void rotate();

  struct State;  ///< private to tls/
  /// For tls/.
  State& state() noexcept { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace socketserver
