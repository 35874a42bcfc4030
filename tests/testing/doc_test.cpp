// The examples of docs/testing.md and docs/simulation.md.

#include <charconv>
#include <socketserver/socketserver.hpp>
#include <socketserver/testing/catch.hpp>
#include <socketserver/testing/run_handler.hpp>
#include <socketserver/testing/server_fixture.hpp>
#include <socketserver/testing/simulate.hpp>
#include <socketserver/testing/stub_server.hpp>
#include <socketserver/testing/sweep.hpp>

#include "support/catch.hpp"

namespace {

using namespace socketserver;
using namespace socketserver::testing;
using namespace std::literals;

struct Scores {
  int total = 0;
};

std::size_t players = 0;  // who play at the moment

// Takes lines like "add 3" and answers each with the total.
class ScoreHandler : public StreamRequestHandler {
 public:
  explicit ScoreHandler(Scores& scores) : scores_(scores) {}

 protected:
  void setup() override { ++players; }
  void handle() override {
    while (const auto line = rfile().readline()) {
      const std::string_view text = strip(*line);
      int points = 0;
      if (!text.starts_with("add ") || std::from_chars(text.data() + 4, text.end(), points).ec != std::errc()) {
        wfile() << "what?\n";
        return;
      }
      wfile() << (scores_.total += points) << '\n';
    }
  }
  void finish() override { --players; }

 private:
  Scores& scores_;
};

class GreetingHandler : public StreamRequestHandler {
 protected:
  void handle() override { wfile() << server().config().app << " to " << client_address().to_string() << "\n"; }
};

// The planted bug: a recv brings what has arrived, which need not be a line.
class HastyHandler : public BaseRequestHandler {
 protected:
  void handle() override {
    for (auto line = request().recv(1024); !line.empty(); line = request().recv(1024)) {
      request().sendall(std::to_string(line.size()) + "\n");
    }
  }
};

TEST_CASE("a real server") {
  Scores scores;
  ServerFixture<ScoreHandler> fixture(std::ref(scores));
  SocketStream client = fixture.connect();
  Reader replies(client);
  client.sendall("add 1\nadd 2\n");
  CHECK(replies.readline() == "1\n");
  CHECK(replies.readline() == "3\n");
  CHECK(fixture.stop().forced == 0);
  CHECK(fixture.server().stats().accepted == 1);
}

TEST_CASE("a simulated server") {
  const SimulationOptions options{.exchange = [](std::uint64_t random) {
    const std::string text(1 + random % 40, 'a');
    return Exchange{text + "\n", upper(text) + "\n"};
  }};
  const SimulationReport report = simulate_seeds<UpperCaseHandler>(1, 100, options);
  INFO(report.text());
  CHECK(report);
}

TEST_CASE("one run") {
  Scores scores;
  const auto run = run_handler<ScoreHandler>("add 1\nadd 2\nadd", scores);
  CHECK(run.output == "1\n3\nwhat?\n");
  CHECK(run.writes.size() == 2);  // one before the handler waited for more, one at its end
  CHECK(run.error.empty());
  CHECK(scores.total == 3);
}

TEST_CASE("a conversation") {
  Scores scores;
  const auto run = run_handler<ScoreHandler>(
      Script{send("add 1\n"), expect("1\n"), send("ad"), pause(5s), send("d 2\n"), expect("3\n"), pause(61s)}, scores);
  CHECK(run.threw<TimeoutError>());  // the idle timeout, 60 seconds
  CHECK(run.elapsed == 65s);         // on the script's clock; the test takes no time
}

TEST_CASE("a conversation that goes wrong") {
  Scores scores{.total = 10};
  const auto conversation = [&scores] {
    run_handler<ScoreHandler>(Script{send("add 1\n"), expect("1\n"), send("add 2\n"), expect("3\n")}, scores);
  };
  CHECK_THROWS_WITH(conversation(),
                    R"(step 2 of 4, expect("1\n"): the handler has sent "11\n", which differs at byte 1)");
}

TEST_CASE("a peer that does not read, and one that is gone") {
  Scores scores;
  const auto stuck = run_handler<ScoreHandler>(Script{send("add 1\n"), stop_reading()}, scores);
  CHECK(stuck.threw<TimeoutError>());  // the write timeout
  const auto gone = run_handler<ScoreHandler>(Script{send("add 1\n"), expect("2\n"), reset()}, scores);
  CHECK(gone.threw<StreamError>());
  CHECK(players == 0);
}

TEST_CASE("a client, a limit and a server") {
  ServerConfig config;
  config.app = R"("Hello")";
  StubServer server{config};
  const RunOptions options{.client_address = address("203.0.113.9", 4711), .server = &server};
  CHECK(run_handler<GreetingHandler>(options, "").output == "\"Hello\" to 203.0.113.9:4711\n");

  const RunOptions strict{.limits = {.max_line = 8}, .timeouts = {.idle = 2s}};
  CHECK(run_handler<ScoreHandler>(strict, "add 1000000\n", fresh<Scores>()).threw<LineTooLong>());
}

TEST_CASE("the input cut everywhere") {
  CHECK(sweep_chunks<ScoreHandler>("add 1\nadd 2\n", fresh<Scores>()));

  const SweepReport report = sweep_chunks<HastyHandler>("hello\n");
  CHECK(report.text() == R"(HastyHandler: run 2 (seed 1): its input cut elsewhere makes a difference
  expected "6\n"
  sent     "1\n5\n"
  from byte 0 on
As a test:
  const auto run = run_handler<HastyHandler>(Script{send("h"), send("ello\n")});
  CHECK(run.output == "6\n");
)");
}

TEST_CASE("each operation failing") {
  const SweepOptions options{.alive = [] { return players; }};
  CHECK(sweep_faults<ScoreHandler>(options, Script{send("add 1\n"), send("add 2\n")}, fresh<Scores>()));
}

TEST_CASE("with Catch2") {
  const auto run = run_handler<ScoreHandler>("add 1\n", fresh<Scores>());
  CHECK_THAT(run, Sends("1\n"));
}

}  // namespace
