#pragma once
// The server without its handler's type: lifecycle, limits, drain, counters, and the hooks.

#include <cstddef>
#include <exception>
#include <memory>
#include <socketserver/base/deadline.hpp>
#include <socketserver/base/visibility.hpp>
#include <socketserver/observe/stats.hpp>
#include <socketserver/server/request.hpp>
#include <socketserver/server/server_config.hpp>
#include <string>
#include <typeinfo>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Callers use the public part, servers of a special kind override the hooks. See TCPServer.
///
/// Threads: request_stop, shutdown, stats, active_connections, server_address, server_addresses, config and log from
/// any thread; the rest from one thread. verify_request, process_request, service_actions and handle_timeout run one at
/// a time, on the serving thread; under the policy fiber with one loop on a fiber of that, until a stop begins. The
/// other hooks run on whichever thread runs the connection.
class BaseServer {
 public:
  /// Binds and listens. Nothing stays open if it throws:
  /// @param handler  the handler's type, to name it in the log; null where it has none.
  /// @throws std::system_error      the address, log file or threads can't be had.
  /// @throws std::invalid_argument  the configuration has a value that no server can have.
  /// @throws TlsContextError        a listener speaks TLS, and a certificate or key cannot be used.
  explicit BaseServer(ServerConfig config, const std::type_info* handler = nullptr);
  BaseServer(const BaseServer&) = delete;
  BaseServer& operator=(const BaseServer&) = delete;
  virtual ~BaseServer();

  /// Serves until a stop is requested, then drains: takes no more connections; serves what has arrived; lets
  /// requests in progress run until the drain deadline; then shuts their sockets down. May be called again
  /// after a stop.
  /// @returns after every handler has ended.
  /// @throws std::system_error  the listening socket failed; std::logic_error  it is serving already.
  DrainReport serve_forever();
  /// serve_forever, with SIGINT and SIGTERM requesting the stop; a second one, n, ends the process with status 128+n.
  /// SIGHUP reopens the log file and reads the TLS certificates again, SIGUSR1 writes what stats() and
  /// active_connections() say to the log.
  DrainReport serve_until_signal();
  /// Takes one connection and has it served. @returns false if the deadline passed or a stop was requested instead.
  bool handle_request(Deadline deadline = Deadline::never());

  /// Begins a stop and returns at once. Before the first serve_forever it makes that one stop at its
  /// beginning; after a stop it does nothing.
  void request_stop() noexcept;
  /// request_stop, and waits until serve_forever has ended; does not wait if called from a handler.
  void shutdown();
  /// shutdown, closes the listening socket and ends the connections that handle_request has left running;
  /// from a handler or hook it is request_stop. A class that overrides hooks calls it in its destructor.
  void server_close();

  /// The first of server_addresses().
  const SocketAddress& server_address() const noexcept;
  /// What was bound, port 0 resolved, in the order of ServerConfig::listen.
  const std::vector<SocketAddress>& server_addresses() const noexcept;
  /// What the constructor got. It never changes.
  const ServerConfig& config() const noexcept;
  /// @returns the counts since the server was made.
  ServerStats stats() const;
  /// @returns what its peers share, with what is taken and what there is: "connections", "queue" (of a pool),
  /// "offloaded calls" (of fibers), "lingering", "network lines", "error lines" and "refusal lines" of the log in this
  /// second; those of the process, "look-ups" and "descriptors"; and "kernel TCP pages" of the machine.
  std::vector<Budget> budgets() const;
  /// @returns who is served at this moment, in words: the handler, and each client's address and connection's age.
  std::string active_connections() const;
  /// The server's log, which the program may write to as well.
  Logger& log() noexcept;

 protected:
  /// Whether to serve this connection. Must not wait.
  virtual bool verify_request(Request& request);
  /// Hands the connection to the policy; when it returns, the request may be gone. An override that does not
  /// call this one serves the connection by finish_request.
  virtual void process_request(Request& request);
  /// Constructs a handler and runs it.
  virtual void finish_request(Request& request) = 0;
  /// Whether a connection needs its handler before its peer has sent anything. Under `pool` the others wait without a
  /// worker for their first byte, with the idle clock running; one whose peer has reset it, whose time is over, or that
  /// has sent nothing by a stop ends without a handler. Their hooks run on one thread: one that waits holds up the
  /// others.
  virtual bool handler_speaks_first() const noexcept { return false; }
  /// Ends the server's direction, so that the peer sees EOF after the last reply.
  virtual void shutdown_request(Request& request);
  /// Closes, lingering in the background. The connection is closed afterwards even if an override does not.
  virtual void close_request(Request& request);
  /// An exception left a handler or another hook. Writes one line: a network event at info, anything else at error.
  virtual void handle_error(Request& request, std::exception_ptr error);
  /// Called once after each turn of the loop: a connection, a wake-up or a stop.
  virtual void service_actions() {}
  /// handle_request's deadline passed.
  virtual void handle_timeout() {}
  /// Called on a background thread 1 s after the drain deadline if `running` handlers have not returned although their
  /// sockets are shut down; the server waits for them. Writes a line that names them.
  virtual void handle_drain_timeout(std::size_t running);

 private:
  class SOCKETSERVER_HIDDEN Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace socketserver
