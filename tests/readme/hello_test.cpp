#undef NDEBUG  // assert() checks in every kind of build
#include <cassert>
#include <socketserver/testing/run_handler.hpp>

#include "hello_handler.hpp"

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
