#pragma once
// From a host's name to its addresses, with a deadline.

#include <cstdint>
#include <functional>
#include <memory>
#include <socketserver/base/deadline.hpp>
#include <socketserver/net/address.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace socketserver::detail {

/// Addresses, or why there are none.
struct ResolveResult {
  std::vector<SocketAddress> addresses{};
  std::error_code error{};     // the resolver's, or the system's
  std::string_view overdue{};  // what had not happened when the deadline passed
};

/// What getaddrinfo(3) finds, in its order. May wait for the resolver. @param flags  AI_PASSIVE, AI_NUMERICHOST.
ResolveResult look_up(const std::string& name, std::uint16_t port, int flags);
/// 127.0.0.1, then ::1.
std::vector<SocketAddress> loopback(std::uint16_t port);

/// Look-ups in threads of their own, since getaddrinfo(3) has no deadline and cannot be cancelled.
/// Threads: any.
class Resolver {
 public:
  using Resolve = std::function<ResolveResult(const std::string& name, std::uint16_t port)>;

  /// @param most  look-ups at a time, overdue ones included; further ones wait for their turn. Names of one domain,
  /// their last two labels, take at most half of the places that others leave.
  Resolver(std::size_t most, Resolve resolve);

  /// @throws std::system_error  there can be no thread.
  ResolveResult find(const std::string& name, std::uint16_t port, Deadline deadline);
  /// Look-ups that take a place.
  std::size_t under_way() const;

 private:
  struct State;
  struct LookUp;
  using Question = std::pair<std::string, std::uint16_t>;  // a name, in one spelling, and a port
  static bool has_place(const State& state, const std::string& domain);
  void start(const std::shared_ptr<LookUp>& look_up, const std::string& name, const Question& question,
             std::size_t& of_domain);

  // Shared with the threads: one whose resolver hangs outlives its caller, and this object.
  std::shared_ptr<State> state_;
};

/// The addresses to connect to. Only a name that is not "localhost" takes a thread.
ResolveResult resolve_host(std::string_view host, std::uint16_t port, Deadline deadline);

}  // namespace socketserver::detail
