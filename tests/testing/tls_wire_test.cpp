// run_handler over TLS, behind a proxy, or both: the same handler, the same script.

#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/testing/proxy_header.hpp>
#include <socketserver/testing/run_handler.hpp>
#include <socketserver/testing/sweep.hpp>

#include "support/catch.hpp"

using namespace socketserver;
using namespace socketserver::testing;
using namespace std::chrono_literals;

namespace {

class WhoHandler : public StreamRequestHandler {
 protected:
  void handle() override {
    while (const auto line = rfile().readline()) {
      wfile() << client_address().host() << (connection().tls() ? " over TLS " : " ") << *line;
    }
  }
};

}  // namespace

TEST_CASE("a handler is run over TLS against the same script") {
  const Script script{send("one\ntw"), expect("ONE\n"), send("o\n"), expect("TWO\n"), half_close()};
  const HandlerRun plain = run_handler<UpperCaseHandler>(script);
  const HandlerRun tls = run_handler<UpperCaseHandler>({.tls = true}, script);
  CHECK(plain.error.empty());
  CHECK(tls.error.empty());
  CHECK(tls.output == plain.output);
  CHECK(tls.unread.empty());
}

TEST_CASE("over TLS a long answer and the script's clock are as without it") {
  const std::string line(100'000, 'x');
  const HandlerRun run = run_handler<UpperCaseHandler>(
      {.limits = {.max_line = 200'000}, .timeouts = {.idle = 3s}, .tls = true},
      {send(line + "\n"), expect(std::string(100'000, 'X') + "\n"), pause_past_deadline()});
  CHECK(run.threw<TimeoutError>());
  CHECK(run.elapsed == 3s);
}

TEST_CASE("a script that ends in the middle of a line ends the TLS session cleanly, a reset does not") {
  CHECK(run_handler<UpperCaseHandler>({.tls = true}, {send("half"), half_close()}).output == "HALF");
  const HandlerRun run = run_handler<UpperCaseHandler>({.tls = true}, {send("one\n"), expect("ONE\n"), reset()});
  CHECK(run.threw<StreamError>());
}

TEST_CASE("a script that stops reading ends a handler over TLS at the write clock") {
  const HandlerRun run = run_handler<UpperCaseHandler>({.timeouts = {.write = 2s}, .tls = true},
                                                       {send("one\n"), stop_reading(), send("two\n")});
  CHECK(run.threw<TimeoutError>());
  CHECK(run.elapsed == 2s);
}

TEST_CASE("a script that begins with a PROXY header names the client") {
  const std::string header = proxy_v2("203.0.113.7", 7);
  CHECK(run_handler<WhoHandler>({.proxy_protocol = true}, {send(header + "a\n"), half_close()}).output ==
        "203.0.113.7 a\n");
  CHECK(run_handler<WhoHandler>({.proxy_protocol = true, .tls = true}, {send(header), send("a\n"), half_close()})
            .output == "203.0.113.7 over TLS a\n");
  CHECK(run_handler<WhoHandler>({send("a\n"), half_close()}).output == "192.0.2.1 a\n");
  CHECK_THROWS_WITH(run_handler<WhoHandler>({.proxy_protocol = true}, {send("a\n"), half_close()}),
                    Catch::Matchers::Contains("PROXY header"));
}

TEST_CASE("sweeps go through TLS and a PROXY header") {
  const bool tls = GENERATE(false, true);
  const bool proxied = GENERATE(false, true);
  const RunOptions options{.proxy_protocol = proxied, .tls = tls};
  const std::string header = proxied ? proxy_v1("203.0.113.7", 7) : "";
  if (!tls) {
    CHECK(sweep_chunks<UpperCaseHandler>({.run = options}, {send(header + "one\ntwo\n"), half_close()}));
  }
  CHECK(sweep_faults<UpperCaseHandler>({.run = options}, {send(header), send("one\ntwo\n"), half_close()}));
}
