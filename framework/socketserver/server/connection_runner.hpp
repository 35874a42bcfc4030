#pragma once
// One connection, from its accept to its close.
//
//   admit -> dispatch -> verify_request -> process_request -> submit -> (wait for its first byte) -> start
//         \-> reject                                                                                   |
//                                 end <- finish_request, the handler <- run, called by the policy  <---+
//
// The hooks are the program's; process_request's default calls submit().

#include <list>
#include <mutex>
#include <socketserver/base/function.hpp>
#include <socketserver/server/connection_setup.hpp>
#include <socketserver/server/server_core.hpp>
#include <system_error>

namespace socketserver::detail {

/// Threads: admit() the accept loop's; the rest runs where the policy or the background calls it.
class ConnectionRunner {
 public:
  /// @param on_end  called after each connection's end, from any thread.
  ConnectionRunner(ServerCore& core, Job on_end) : core_(core), setup_(core), on_end_(std::move(on_end)) {}

  /// Registers the connection, and serves or rejects it. One whose peer may not connect is closed at once.
  /// @returns not_enough_memory if it could not be registered; it has been closed.
  std::error_code admit(AcceptedConnection arrival);
  /// Hands a connection to the policy, at once or at its first byte. @throws std::system_error  as Policy::submit.
  void submit(Connection& connection);
  /// Closes the socket, lingering in the background where its peer could lose something.
  void close(Connection& connection);

 private:
  Connection& add(AcceptedConnection arrival);
  void dispatch(Connection& connection);
  void reject(Connection& connection);
  bool wait_for_input(Connection& connection);
  void start_when_room(Connection& connection) noexcept;
  bool start_or_end(Connection& connection) noexcept;
  void start_next() noexcept;
  void input_came(Connection& connection, FirstInput found) noexcept;
  void start(Connection& connection);
  void run(Connection& connection);
  Outcome serve(Connection& connection);
  void end(Connection& connection, Outcome outcome);
  void remove(Connection& connection, Outcome outcome);

  ServerCore& core_;
  ConnectionSetup setup_;
  Job on_end_;
  std::mutex ready_mutex_;
  std::list<Connection*> ready_;  // their first byte has come, and the policy is full; guarded by ready_mutex_
  bool submitted_ = false;        // by process_request, for dispatch(): the connection may be gone by then
};

}  // namespace socketserver::detail
