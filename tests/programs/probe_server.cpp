// A line server that does on request what a test wants to see, and answers each line with one line.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <mutex>
#include <socketserver/net/socket_stream.hpp>
#include <socketserver/socketserver.hpp>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using namespace socketserver;

/// Given by one connection, awaited by another.
struct Release {
  Mutex mutex;
  ConditionVariable changed;
  bool given = false;
};

/// Uses so much of the stack, in steps that no guard is too narrow for.
__attribute__((noinline)) std::size_t use_stack(std::size_t bytes) {
  volatile char step[1024];
  for (std::size_t i = 0; i < sizeof step; i += 64) step[i] = static_cast<char>(bytes);
  const std::size_t below = bytes > sizeof step ? use_stack(bytes - sizeof step) : 0;
  return below + static_cast<std::size_t>(step[0] == 0 ? 1 : 2);
}

/// One frame of 300,000 bytes, whose far end is touched first.
__attribute__((noinline)) std::string use_frame() {
  volatile char frame[300000];
  frame[0] = 'x';
  return std::string(1, frame[0]);
}

class ProbeHandler : public StreamRequestHandler {
 public:
  explicit ProbeHandler(Release& release) : release_(release) {}

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
    if (command == "release") release();
    if (command.starts_with("stack ")) return use_stack(std::stoul(command.substr(6))) > 0 ? "used" : "";
    if (command == "frame") return use_frame();
    if (command.starts_with("block ")) {  // the thread, whoever else runs on it
      std::this_thread::sleep_for(std::chrono::milliseconds(std::stoi(command.substr(6))));
    }
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
    std::unique_lock lock(release_.mutex);
    release_.changed.wait(lock, [this] { return release_.given; });
    return "released";
  }

  void release() {
    const std::lock_guard lock(release_.mutex);
    release_.given = true;
    release_.changed.notify_all();
  }

  /// Ends the connection from this side, as the end of handle() would.
  std::string leave() { throw TimeoutError("leaving on request"); }

  Release& release_;
};

}  // namespace

int main(int argc, char** argv) {
  Release release;
  return serve_main<ProbeHandler>(argc, argv, std::ref(release));
}
