#include <cassert>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/socketserver.hpp>

class HelloHandler : public socketserver::StreamRequestHandler {
 protected:
  void handle() override {
    while (auto name = rfile().readline()) wfile() << "Hello, " << socketserver::strip(*name) << "!\n";
  }
};

int main() {
  using namespace std::chrono_literals;
  using socketserver::PeerStep;

  socketserver::MemoryStream peer({"Ann\nB", PeerStep::pause(59s), "ob\n"});  // a script: chunks and silence
  socketserver::Request request(peer);
  HelloHandler handler;
  handler.run(request);

  assert(peer.written() == "Hello, Ann!\nHello, Bob!\n");
  assert(peer.writes().size() == 2);  // each reply went out before the next wait for input
}
