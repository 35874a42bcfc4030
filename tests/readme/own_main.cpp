#include <socketserver/socketserver.hpp>

int main() {
  socketserver::ServerConfig config = socketserver::load_config("config/uppercase.json");
  config.listen[0].port = 0;  // any free port
  socketserver::ThreadingTCPServer<socketserver::UpperCaseHandler> server{config};

  server.request_stop();  // a real program leaves this to another thread, a handler or a signal
  socketserver::DrainReport report = server.serve_forever();
  return report.forced == 0 ? 0 : 1;
}
