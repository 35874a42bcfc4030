#include <socketserver/base/text.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/testing/sweep.hpp>
#include <sstream>

#include "support/catch.hpp"

using namespace socketserver;
using namespace socketserver::testing;
using namespace std::literals;

namespace {

/// Takes what one recv brings for a line.
class OneRecvOneLine : public BaseRequestHandler {
 protected:
  void handle() override {
    for (std::string line = request().recv(1024); !line.empty(); line = request().recv(1024)) {
      request().sendall(upper(strip(line)) + "\n");
    }
  }
};

/// Is wrong only where its input comes in four pieces or more.
class LosesTheFourth : public BaseRequestHandler {
 protected:
  void handle() override {
    for (int i = 0;; ++i) {
      const std::string part = request().recv(1024);
      if (part.empty()) return;
      if (i < 3) request().sendall(part);
    }
  }
};

/// Gives up where a line does not come in one piece.
class Impatient : public BaseRequestHandler {
 protected:
  void handle() override {
    if (!request().recv(1024).ends_with('\n')) throw std::runtime_error("not a line");
  }
};

class Counting : public StreamRequestHandler {
 public:
  explicit Counting(int& count) : count_(count) {}

 protected:
  void handle() override {
    while (rfile().readline()) wfile() << ++count_ << '\n';
  }

 private:
  int& count_;
};

std::string shown(const SweepReport& report) {
  std::ostringstream out;
  out << report;
  return out.str();
}

}  // namespace

TEST_CASE("a handler that reads lines is the same however its input is cut") {
  const SweepReport report = sweep_chunks<UpperCaseHandler>("hello\nworld\n");
  CHECK(report);
  CHECK(report.runs == 1 + 11 + 1 + 200);
  CHECK(shown(report) == "socketserver::UpperCaseHandler: 213 runs, all good (seed 1)");
}

TEST_CASE("a handler that takes one recv for one line is found, with a test to paste") {
  const SweepReport report = sweep_chunks<OneRecvOneLine>("hello\n");
  CHECK_FALSE(report);
  CHECK(shown(report) == R"(OneRecvOneLine: run 2 (seed 1): its input cut elsewhere makes a difference
  expected "HELLO\n"
  sent     "H\nELLO\n"
  from byte 1 on
As a test:
  const auto run = run_handler<OneRecvOneLine>(Script{send("h"), send("ello\n")});
  CHECK(run.output == "HELLO\n");
)");
}

TEST_CASE("the pasted test fails as the sweep did") {
  const auto run = run_handler<OneRecvOneLine>(Script{send("h"), send("ello\n")});
  CHECK(run.output != "HELLO\n");
  CHECK(run.output == "H\nELLO\n");
}

TEST_CASE("of many cuts the few that make the difference are reported") {
  const SweepReport report = sweep_chunks<LosesTheFourth>("0123456789");
  CHECK_FALSE(report);
  CHECK(report.test ==
        "  const auto run = run_handler<LosesTheFourth>(Script{send(\"012345\"), send(\"6\"), send(\"7\"), "
        "send(\"89\")});\n  CHECK(run.output == \"0123456789\");\n");
  CHECK(run_handler<LosesTheFourth>(Script{send("012345"), send("6"), send("7"), send("89")}).output == "01234567");
}

TEST_CASE("another exception is a difference, too") {
  const SweepReport report = sweep_chunks<Impatient>("ab\n");
  CHECK_FALSE(report);
  CHECK(report.problem ==
        "its input cut elsewhere makes a difference\n  expected nothing to leave it\n"
        "  but did  std::runtime_error: not a line");
  CHECK(report.test ==
        "  const auto run = run_handler<Impatient>(Script{send(\"a\"), send(\"b\\n\")});\n"
        "  CHECK(run.error.empty());\n");
  CHECK(sweep_chunks<Impatient>("ab"));  // it always throws
}

TEST_CASE("a conversation is swept: each send is cut, and what is expected must come") {
  CHECK(sweep_chunks<UpperCaseHandler>(
      Script{send("hel"), send("lo\n"), expect("HELLO\n"), send("a\nb\n"), pause(59s), expect("A\nB\n")}));
  const SweepReport report = sweep_chunks<OneRecvOneLine>(Script{send("ab"), expect("AB\n"), send("c")});
  CHECK_FALSE(report);
  CHECK(report.problem ==
        R"(its input cut elsewhere makes a difference: step 3 of 4, expect("AB\n"): the handler has sent "A\nB\n", )"
        "which differs at byte 1");
  CHECK(report.test ==
        "  const auto run = run_handler<OneRecvOneLine>(Script{send(\"a\"), send(\"b\"), expect(\"AB\\n\"), "
        "send(\"c\")});\n");
  CHECK_THROWS_AS(run_handler<OneRecvOneLine>(Script{send("a"), send("b"), expect("AB\n"), send("c")}), ScriptError);
}

TEST_CASE("a conversation that fails without a cut is reported as such") {
  const SweepReport report = sweep_chunks<UpperCaseHandler>(Script{send("a\n"), expect("B\n")});
  CHECK_FALSE(report);
  CHECK(report.problem == R"(with the input in one piece: step 2 of 2, expect("B\n"): the handler has sent "A\n", )"
                          "which differs at byte 0");
}

TEST_CASE("the seed chooses the random cuts, and chooses the same ones everywhere") {
  const auto test_of = [](std::uint64_t seed) {
    // No cut of the first kinds is tried but one, at a random place, so that the seed decides.
    const SweepOptions options{.seed = seed, .random_runs = 0, .most_cuts = 1};
    return sweep_chunks<OneRecvOneLine>(options, std::string(40, 'a') + std::string(60, 'b')).test;
  };
  CHECK(test_of(7) == test_of(7));
  CHECK(test_of(7) != test_of(8));
  // From std::mt19937_64's first number of this seed, 14514284786278117030, which is the same everywhere.
  const SweepReport report = sweep_chunks<OneRecvOneLine>(SweepOptions{.seed = 5489, .most_cuts = 1}, "0123456789");
  CHECK(report.seed == 5489);
  CHECK(report.test ==
        "  RunOptions options;  // and what the sweep was given\n"
        "  const auto run = run_handler<OneRecvOneLine>(options, Script{send(\"01234567\"), send(\"89\")});\n"
        "  CHECK(run.output == \"0123456789\\n\");\n");
}

TEST_CASE("state in a handler's arguments is constructed for each run") {
  int count = 0;
  CHECK_FALSE(sweep_chunks<Counting>("a\nb\n", count));  // counts on from run to run
  CHECK(sweep_chunks<Counting>("a\nb\n", fresh<int>()));
  const SweepReport report = sweep_chunks<Counting>("a\nb\n", count);
  CHECK(report.test.find("send(\"\\nb\\n\")}, /* the constructor's arguments */);") != std::string::npos);
}

TEST_CASE("inputs of no byte and one byte have nothing to cut") {
  CHECK(sweep_chunks<UpperCaseHandler>("").runs == 1);
  CHECK(sweep_chunks<UpperCaseHandler>("x").runs == 1);
}
