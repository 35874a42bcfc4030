// A line server that does on request what a test wants to see, and answers each line with one line.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <future>
#include <mutex>
#include <socketserver/net/socket_stream.hpp>
#include <socketserver/socketserver.hpp>
#include <stdexcept>

namespace {

using namespace socketserver;

class ProbeHandler : public StreamRequestHandler {
 public:
  explicit ProbeHandler(std::promise<void>& release) : release_(release) {}

 protected:
  void handle() override {
    while (const auto line = rfile().readline()) wfile() << answer(std::string(strip(*line))) << '\n';
  }

 private:
  std::string answer(const std::string& command) {
    if (command == "options") return options();
    if (command == "app") return server().config().app;
    if (command == "thread") return std::to_string(::gettid());
    if (command == "main thread") return std::to_string(::getpid());
    if (command == "throw") throw std::runtime_error("on request");
    if (command == "peek") return "peeked " + std::to_string(rfile().peek().size());
    if (command == "flood") request().sendall(std::string(64 << 20, 'x'));
    if (command == "leave") return leave();
    if (command == "stuck") std::promise<void>().get_future().wait();  // for ever, whatever becomes of the connection
    if (command == "hold") return hold();
    if (command == "release") release_.set_value();
    return command;
  }

  std::string options() {
    const int fd = dynamic_cast<SocketStream&>(request()).native_handle();
    const auto value = [fd](int level, int name) { return std::to_string(get_option(fd, level, name).value_or(-1)); };
    return value(IPPROTO_TCP, TCP_NODELAY) + " " + value(SOL_SOCKET, SO_KEEPALIVE) + " " +
           value(SOL_SOCKET, SO_RCVBUF) + " " + value(SOL_SOCKET, SO_SNDBUF);
  }

  /// Writes, then waits for another connection's "release" without reading: was the text sent before?
  std::string hold() {
    wfile() << "held\n";
    release_.get_future().wait();
    return "released";
  }

  /// Ends the connection from this side, as the end of handle() would.
  std::string leave() { throw TimeoutError("leaving on request"); }

  std::promise<void>& release_;
};

}  // namespace

int main(int argc, char** argv) {
  std::promise<void> release;
  return serve_main<ProbeHandler>(argc, argv, std::ref(release));
}
