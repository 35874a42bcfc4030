#include <cassert>
#include <socketserver/socketserver.hpp>
#include <socketserver/testing/run_handler.hpp>

class HelloHandler : public socketserver::StreamRequestHandler {
 protected:
  void handle() override {
    while (auto name = rfile().readline()) wfile() << "Hello, " << socketserver::strip(*name) << "!\n";
  }
};

int main() {
  using namespace socketserver::testing;
  using namespace std::chrono_literals;

  // The peer: what it sends, in which chunks, and the answer that it waits for.
  const auto run = run_handler<HelloHandler>(Script{send("Ann\nB"), expect("Hello, Ann!\n"), pause(29s), send("ob\n")});
  assert(run.output == "Hello, Ann!\nHello, Bob!\n");
  assert(run.error.empty());

  // 61 seconds of silence are too long for the idle timeout.
  assert(run_handler<HelloHandler>(Script{send("Ann\n"), pause(61s)}).threw<socketserver::TimeoutError>());
}
