#include <socketserver/testing/run_handler.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <ostream>
#include <socketserver/base/text.hpp>
#include <socketserver/base/type_name.hpp>
#include <socketserver/server/base_server.hpp>
#include <socketserver/testing/faulty_stream.hpp>
#include <socketserver/testing/play.hpp>
#include <stdexcept>

namespace socketserver::testing {

std::string Fault::code() const {
  const char* name = kind == Kind::timeout ? "timeout" : kind == Kind::reset ? "reset" : "short_write";
  return concat("Fault::", name, "(", operation, ")");
}

SocketAddress address(const std::string& host, std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    return {reinterpret_cast<const sockaddr*>(&v4), sizeof v4};
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    return {reinterpret_cast<const sockaddr*>(&v6), sizeof v6};
  }
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

}  // namespace

Played play(const RunOptions& options, const Script& script, const std::function<void(Request&)>& handler) {
  MemoryStream peer(script.steps());
  FaultyStream stream(peer, options);
  configure(stream, options.server != nullptr ? options.server->config().timeouts : options.timeouts);
  Request request(stream, options.client_address, options.server,
                  options.server != nullptr ? options.server->config().limits : options.limits);
  Played played;
  HandlerRun& run = played.run;
  try {
    handler(request);
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
