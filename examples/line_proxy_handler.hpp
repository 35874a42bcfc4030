#pragma once
// Forwards each line to another server and answers with its reply: a handler that connects out itself.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <socketserver/socketserver.hpp>
#include <string>
#include <utility>

namespace ss = socketserver;

using Target = std::pair<std::string, std::uint16_t>;  // a host and its port

struct Upstream {
  Upstream(const Target& target, ss::ReaderOptions limits)
      : stream(ss::create_connection(target.first, target.second)), replies(stream, limits) {}
  ss::SocketStream stream;
  ss::Reader replies;
};

class LineProxyHandler : public ss::StreamRequestHandler {
 public:
  explicit LineProxyHandler(const Target* target) : target_(*target) {}
  /// serve_main calls it once, before it serves.
  static void configure(const ss::ServerConfig& config, Target* target) try {
    const auto upstream = nlohmann::json::parse(config.app).at("upstream");
    const auto port = upstream.at("port").is_number_integer() ? upstream.at("port").get<double>() : 0;
    if (port < 1 || port > 65535) throw ss::ConfigError({"/app", "/upstream/port"}, "takes an integer from 1 to 65535");
    *target = {upstream.at("host").get<std::string>(), static_cast<std::uint16_t>(port)};
  } catch (const nlohmann::json::exception&) {
    throw ss::ConfigError({"/app", "/upstream"}, "takes a host and a port");
  }

 protected:
  void handle() override {
    std::optional<Upstream> upstream;
    while (const auto line = rfile().readline()) {
      wfile().flush();  // only waits on the client's own connection flush: the last reply must not wait for the next
      const std::string request = std::string(*line) + (line->ends_with('\n') ? "" : "\n");
      std::optional<std::string_view> reply;
      try {
        if (upstream) reply = ask(*upstream, request);
        if (!reply) {  // the first line, or the upstream server has closed the connection while it was idle
          upstream.emplace(target_, ss::ReaderOptions{.max_line = server().config().limits.max_line});
          reply = ask(*upstream, request);
        }
        if (!reply) throw ss::StreamError(std::make_error_code(std::errc::connection_reset), "no reply");
      } catch (const ss::StreamError& error) {
        server().log().warning(client_address().to_string() + ": upstream: " + error.what());
        wfile() << "error: the upstream server is not available\n";
        return;
      }
      wfile() << *reply;
    }
  }

 private:
  // nullopt where the connection ended before a byte of the reply: the request can be made again on a new one.
  static std::optional<std::string_view> ask(Upstream& upstream, const std::string& request) {
    const std::uint64_t had = upstream.stream.bytes_in();
    try {
      upstream.stream.sendall(request);
      return upstream.replies.readline();
    } catch (const ss::TimeoutError&) {
      throw;
    } catch (const ss::StreamError& error) {
      const bool gone = error.code() == std::errc::connection_reset || error.code() == std::errc::broken_pipe;
      if (!gone || upstream.stream.bytes_in() > had) throw;
      return std::nullopt;
    }
  }

  const Target& target_;
};
