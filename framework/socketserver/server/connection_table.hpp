#pragma once
// The connections that a server has, and the counts of those it has had.

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <socketserver/observe/stats.hpp>
#include <socketserver/server/connection.hpp>
#include <string>

namespace socketserver::detail {

/// How a connection ended.
enum class Outcome { served, rejected, timed_out, failed };
std::string_view to_string(Outcome outcome) noexcept;

/// Threads: safe to share. A connection belongs to the caller of add() until end().
class ConnectionTable {
 public:
  /// Counts it as accepted and active. During a drain it is drained at once.
  Connection& add(std::unique_ptr<ServedStream> stream, const SocketAddress& peer, BaseServer& server, Logger& log,
                  std::shared_ptr<const ServerConfig> config);
  /// Counts how it ended, and destroys it.
  void end(Connection& connection, Outcome outcome);

  /// Counts one that was accepted and closed at once. @param reason  a counter that says more, as
  /// ServerStats::access_refused.
  void count_refused(std::uint64_t ServerStats::*reason);
  /// Adds one to a counter that says more of a connection, as ServerStats::access_refused.
  void count(std::uint64_t ServerStats::*counter);
  /// @overload
  void count(std::uint64_t TlsStats::*counter);
  /// Gives a connection the client that its proxy has named.
  void announce(Connection& connection, ProxyHeader header);

  std::size_t active() const;
  /// The counts kept here; the others are zero.
  ServerStats stats() const;
  /// @returns each active connection's address and age, or "no client".
  std::string describe() const;

  /// Drains all connections, those still to come included.
  void start_drain();
  /// Aborts all connections, those still to come in this drain included. @returns how many there are.
  std::size_t abort_all();
  /// Ends the drain.
  DrainReport finish_drain();

 private:
  mutable std::mutex mutex_;
  std::list<Connection> connections_;  // guarded by mutex_, as is all below
  ServerStats counts_;                 // of ended connections, but for `accepted`
  bool draining_ = false;
  bool aborting_ = false;
  std::size_t seen_in_drain_ = 0;
  std::size_t aborted_ = 0;
};

}  // namespace socketserver::detail
