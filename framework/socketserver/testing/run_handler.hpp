#pragma once
// Runs one handler against a script, and says what it did.
//
//   const auto run = run_handler<UpperCaseHandler>("hello\n");
//   assert(run.output == "HELLO\n");

#include <cstddef>
#include <exception>
#include <functional>
#include <iosfwd>
#include <optional>
#include <socketserver/net/address.hpp>
#include <socketserver/server/request.hpp>
#include <socketserver/server/server_config.hpp>
#include <socketserver/testing/detail/arguments.hpp>
#include <socketserver/testing/script.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socketserver::testing {

/// One operation that is made to fail: the n-th read or write of the handler's stream, counted from 0. After a
/// timeout or a reset expect() is satisfied at once, since a handler that was made to fail sends other bytes.
struct Fault {
  /// How the operation fails.
  enum class Kind {
    timeout,      ///< it takes until its deadline; of a write half has gone
    reset,        ///< the connection is gone from then on; of a write half has gone before
    short_write,  ///< of a write only half goes at first: no error, only a second write. Nothing for a read
  };

  /// @name One of each kind
  ///@{

  /// @param operation  counted from 0, reads and writes together.
  static Fault timeout(std::size_t operation) { return {Kind::timeout, operation}; }
  static Fault reset(std::size_t operation) { return {Kind::reset, operation}; }
  static Fault short_write(std::size_t operation) { return {Kind::short_write, operation}; }
  ///@}
  /// @returns the fault as it is written: Fault::reset(3).
  std::string code() const;

  Kind kind;              ///< what happens
  std::size_t operation;  ///< to which, counted from 0
};

/// Makes an address without a resolver. @param host  in numbers, IPv4 or IPv6. @throws std::invalid_argument.
SocketAddress address(const std::string& host, std::uint16_t port);

/// What a handler is run with.
struct RunOptions {
  SocketAddress client_address = address("192.0.2.1", 50000);  ///< one for examples. Source: RFC 5737
  BaseServer* server = nullptr;                                ///< for handlers that ask for one: see StubServer
  LimitsConfig limits{};                                       ///< used without a server; a server's configuration wins
  TimeoutsConfig timeouts{};            ///< the same for idle, read, write and lifetime, on the script's clock
  bool proxy_protocol = false;          ///< the script begins with a PROXY header: see testing/proxy_header.hpp
  bool tls = false;                     ///< the handler's stream is TLS; the script stays plain text
  std::optional<Fault> fault{};         ///< see sweep_faults()
  std::size_t max_operations = 100000;  ///< reads and writes; a handler that makes more is taken to loop
};

/// What a handler did.
struct HandlerRun {
  std::string output;               ///< all that it sent
  std::vector<std::string> writes;  ///< each send apart
  std::exception_ptr exception;     ///< what left it, or its constructor; null if nothing did
  std::string error;                ///< that in words: "socketserver::TimeoutError: ..."; empty if nothing did
  bool closed = false;              ///< it closed the stream itself
  std::string unread;               ///< what the peer has sent, or would have, that was not read
  Duration elapsed{};               ///< on the script's clock
  std::size_t operations = 0;       ///< reads and writes
  bool fault_reached = false;       ///< RunOptions::fault took place

  /// Whether what left it is of this type or derived from it.
  template <typename Exception>
  bool threw() const {
    try {
      if (exception) std::rethrow_exception(exception);
    } catch (const Exception&) {
      return true;
    } catch (...) {
    }
    return false;
  }
};

/// Writes all of it, bytes escaped: for failures of any test framework that prints values by <<.
std::ostream& operator<<(std::ostream& out, const HandlerRun& run);

namespace detail {

HandlerRun run_checked(const RunOptions& options, const Script& script, const std::function<void(Request&)>& handler);

}  // namespace detail

/// Constructs a Handler, any type with run(Request&), and runs it against the script. References stay references;
/// fresh<T>() is a T of its own.
/// @returns what it did, an exception that left it included.
/// @throws ScriptError  it has sent something else than the script expects, waits without a deadline where the script
/// has nothing more to say, or does not end within max_operations. If it swallows even that, the process is ended with
/// a line on standard error.
template <typename Handler, typename... Args>
HandlerRun run_handler(const RunOptions& options, const Script& script, Args&&... args) {
  return detail::run_checked(options, script, [&](Request& request) {
    detail::construct_and_run<Handler>(request, detail::Argument<Args>(args)...);
  });
}

/// The same with RunOptions' defaults.
template <typename Handler, typename... Args>
HandlerRun run_handler(const Script& script, Args&&... args) {
  return run_handler<Handler>(RunOptions{}, script, std::forward<Args>(args)...);
}

}  // namespace socketserver::testing
