#include <socketserver/testing/run_handler.hpp>

#include <ostream>
#include <socketserver/base/text.hpp>
#include <socketserver/base/type_name.hpp>
#include <socketserver/io/prefixed_stream.hpp>
#include <socketserver/net/read_proxy_header.hpp>
#include <socketserver/server/base_server.hpp>
#include <socketserver/testing/faulty_stream.hpp>
#include <socketserver/testing/play.hpp>
#include <socketserver/testing/tls_wire.hpp>
#include <stdexcept>

namespace socketserver::testing {

std::string Fault::code() const {
  const char* name = kind == Kind::timeout ? "timeout" : kind == Kind::reset ? "reset" : "short_write";
  return concat("Fault::", name, "(", operation, ")");
}

SocketAddress address(const std::string& host, std::uint16_t port) {
  if (const auto numbers = ip_address(host, port)) return *numbers;
  throw std::invalid_argument(concat("not an address in numbers: ", escaped(host)));
}

std::ostream& operator<<(std::ostream& out, const HandlerRun& run) {
  out << "sent \"" << escaped(run.output) << "\" in " << run.writes.size()
      << (run.writes.size() == 1 ? " write" : " writes");
  if (!run.error.empty()) out << "; " << escaped(run.error) << " left it";
  if (!run.unread.empty()) out << "; \"" << escaped(run.unread) << "\" was not read";
  if (run.closed) out << "; it closed the stream";
  return out;
}

namespace detail {
namespace {

void configure(Stream& stream, const TimeoutsConfig& timeouts) {
  stream.set_timeouts({timeouts.idle, timeouts.read, timeouts.write});
  if (timeouts.lifetime) stream.set_lifetime(Deadline::after(*timeouts.lifetime, stream.clock()));
}

/// @returns why the run is not what the script expects; empty if it is.
std::string complaint(MemoryStream& peer, const FaultyStream& stream) {
  try {
    stream.require_an_end();
    peer.verify_script();
  } catch (const ScriptError& error) {
    return error.what();
  }
  return {};
}

/// The handler's stream over the script's, as a server's ConnectionSetup makes it.
class Layers {
 public:
  explicit Layers(Stream& script) : script_(script) {}

  Stream& top() noexcept {
    if (tls_) return *tls_;
    return prefixed_ ? static_cast<Stream&>(*prefixed_) : script_;
  }
  /// @returns what is wrong with the script; empty if nothing is. @throws StreamError  the handshake failed.
  std::string set_up(const RunOptions& options, const TimeoutsConfig& timeouts, Request& request) {
    const Deadline until = Deadline::after(timeouts.handshake, script_.clock());
    if (options.proxy_protocol) {
      if (std::string problem = read_header(until, request); !problem.empty()) return problem;
    }
    configure(top(), timeouts);
    request.set_stream(top());
    if (!options.tls) return {};
    wire_.emplace(top());
    tls_.emplace(*wire_, server_context());
    configure(*tls_, timeouts);
    if (const IoResult result = tls_->handshake(until); result.error) throw_stream_error(result);
    request.set_stream(*tls_);
    return {};
  }
  /// The server's close_notify.
  void end() {
    if (tls_) (void)tls_->end_session(tls_->deadline(tls_->timeouts().write));
  }

 private:
  std::string read_header(Deadline until, Request& request) {
    socketserver::detail::ProxyRead read = socketserver::detail::read_proxy_header(script_, until);
    if (read.result.error) throw_stream_error(read.result);
    if (!read.complete) return concat("the script does not begin with a PROXY header: ", read.problem);
    request.announce(std::move(read.header));
    if (!read.rest.empty()) prefixed_.emplace(script_, std::move(read.rest));
    return {};
  }

  Stream& script_;
  std::optional<socketserver::detail::PrefixedStream> prefixed_;
  std::optional<TlsWire> wire_;
  std::optional<TlsStream> tls_;
};

}  // namespace

Played play(const RunOptions& options, const Script& script, const std::function<void(Request&)>& handler) {
  MemoryStream peer(script.steps());
  FaultyStream stream(peer, options);
  const TimeoutsConfig& timeouts = options.server != nullptr ? options.server->config().timeouts : options.timeouts;
  configure(stream, timeouts);
  Layers layers(stream);
  Request request(stream, options.client_address, options.server,
                  options.server != nullptr ? options.server->config().limits : options.limits);
  Played played;
  HandlerRun& run = played.run;
  try {
    played.script_error = layers.set_up(options, timeouts, request);
    if (!played.script_error.empty()) return played;
    handler(request);
    layers.end();
  } catch (...) {
    run.exception = std::current_exception();
    run.error = socketserver::detail::describe(run.exception);
  }
  played.script_error = complaint(peer, stream);
  run.output = peer.written();
  run.writes = peer.writes();
  run.closed = peer.closed();
  run.unread = peer.unread();
  run.elapsed = peer.clock().now() - TimePoint{};
  run.operations = stream.operations();
  run.fault_reached = stream.fault_reached();
  return played;
}

HandlerRun run_checked(const RunOptions& options, const Script& script, const std::function<void(Request&)>& handler) {
  Played played = play(options, script, handler);
  if (played.script_error.empty()) return std::move(played.run);
  const bool another = played.run.exception && !played.run.threw<ScriptError>();
  throw ScriptError(played.script_error + (another ? "; " + played.run.error + " left the handler" : ""));
}

}  // namespace detail
}  // namespace socketserver::testing
