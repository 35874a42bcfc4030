#include <socketserver/testing/catch.hpp>

#include <socketserver/handlers/upper_case.hpp>

#include "support/catch.hpp"

using namespace socketserver;
using namespace socketserver::testing;

TEST_CASE("Sends matches a run's whole output, if nothing has left the handler") {
  CHECK_THAT(run_handler<UpperCaseHandler>("a\n"), Sends("A\n"));
  CHECK_THAT(run_handler<UpperCaseHandler>("a\n"), !Sends("A"));
  CHECK_THAT(run_handler<UpperCaseHandler>(Script{send("a\n"), pause_past_deadline()}), !Sends("A\n"));
}

TEST_CASE("a failure shows both sides with their bytes escaped") {
  CHECK(Sends("\x01\n\"").describe() == R"(sends "\x01\n"" and ends without an error)");
  CHECK(Catch::Detail::stringify(run_handler<UpperCaseHandler>("a\x01\n")) == R"(sent "A\x01\n" in 1 write)");
  const SweepReport report = sweep_chunks<RawUpperCaseHandler>("a\x01");
  CHECK(Catch::Detail::stringify(report) == report.text());
  CHECK(report.text().find(R"(Script{send("a"), send("\x01")})") != std::string::npos);
}
