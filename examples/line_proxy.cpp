// Forwards each line to another server and answers with its reply: a handler that connects out itself. Try:
// line_proxy --port 8888 --set '/app={"upstream": {"host": "127.0.0.1", "port": 9999}}'

#include <nlohmann/json.hpp>
#include <socketserver/socketserver.hpp>

namespace ss = socketserver;

/// The server behind this one, for one client.
class Upstream {
 public:
  explicit Upstream(const nlohmann::json& address)
      : stream_(ss::create_connection(address.at("host").get<std::string>(), address.at("port").get<std::uint16_t>(),
                                      {.connect_timeout = std::chrono::seconds(5)})) {}

  std::string ask(std::string_view line) {
    stream_.sendall(std::string(line) + (line.ends_with('\n') ? "" : "\n"));
    const auto reply = replies_.readline();
    if (!reply) throw ss::StreamError(std::make_error_code(std::errc::connection_reset), "no reply");
    return std::string(*reply);
  }

 private:
  ss::SocketStream stream_;
  ss::Reader replies_{stream_};
};

class LineProxyHandler : public ss::StreamRequestHandler {
 protected:
  void handle() override {
    std::optional<Upstream> upstream;
    while (const auto line = rfile().readline()) {
      std::string reply;
      try {
        if (!upstream) upstream.emplace(nlohmann::json::parse(server().config().app).at("upstream"));
        reply = upstream->ask(*line);
      } catch (const ss::StreamError& error) {
        server().log().warning(client_address().to_string() + ": upstream: " + error.what());
        wfile() << "error: the upstream server is not available\n";
        return;
      }
      wfile() << reply;
    }
  }
};

int main(int argc, char** argv) { return ss::serve_main<LineProxyHandler>(argc, argv); }
