#include <atomic>
#include <socketserver/socketserver.hpp>

namespace ss = socketserver;

struct Desk {
  std::atomic<bool> is_open = true;
  std::atomic<int> visitors = 0;
};

class DeskHandler : public ss::BaseRequestHandler {
 public:
  explicit DeskHandler(Desk& desk) : desk_(desk) {}

 protected:
  void handle() override {
    const std::string received = request().recv(1024);
    const std::string_view name = ss::strip(received);
    if (name == "close") {
      desk_.is_open = false;
      return request().sendall("closed\n");
    }
    const int number = ++desk_.visitors;
    request().sendall(ss::concat(name, " is number ", number, "\n"));
  }

 private:
  Desk& desk_;
};

class DeskServer : public ss::ThreadingTCPServer<DeskHandler> {
 public:
  DeskServer(const ss::ServerConfig& config, Desk& desk) : TCPServer(config, std::ref(desk)), desk_(desk) {}
  ~DeskServer() override { server_close(); }  // before the hook below is gone

 protected:
  bool verify_request(ss::Request&) override { return desk_.is_open; }

 private:
  Desk& desk_;
};

int main() {
  ss::ServerConfig config;
  config.listen = {{.host = "127.0.0.1", .port = 0}};
  Desk desk;
  DeskServer server(config, desk);
  server.serve_until_signal();
}
