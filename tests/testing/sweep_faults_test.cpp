#include <array>
#include <cstdint>
#include <memory>
#include <socketserver/handlers/echo.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/testing/sweep.hpp>
#include <stdexcept>

#include "support/catch.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define LEAKS_ARE_FOUND 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_FOUND 1
#endif
#endif

using namespace socketserver;
using namespace socketserver::testing;

namespace {

/// Something that a handler has to give back, and that can be counted.
class Session {
 public:
  Session() { ++alive_; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { --alive_; }
  static std::size_t alive() { return alive_; }

 private:
  static inline std::size_t alive_ = 0;
};

/// Gives its session back at the end and after a timeout, and forgets it where the connection is reset.
class LeaksAtReset : public StreamRequestHandler {
 public:
  /// What was forgotten, so that this test leaves nothing behind.
  static inline std::vector<Session*> forgotten;

 protected:
  void handle() override {
    forgotten.push_back(new Session);
    try {
      while (const auto line = rfile().readline()) wfile() << *line;
      wfile().flush();
    } catch (const TimeoutError&) {
      give_back();
      throw;
    }
    give_back();
  }

 private:
  static void give_back() {
    delete forgotten.back();
    forgotten.pop_back();
  }
};

/// Takes a failed connection for a fault of the program.
class Misreports : public BaseRequestHandler {
 protected:
  void handle() override {
    for (;;) {
      std::array<std::byte, 16> buffer;
      const IoResult result = request().try_recv(buffer);
      if (result.error) throw std::runtime_error("cannot receive");
      if (result.bytes == 0) return;
    }
  }
};

/// Retries without end.
class NeverGivesUp : public BaseRequestHandler {
 protected:
  void handle() override {
    for (;;) {
      std::array<std::byte, 16> buffer;
      const IoResult result = request().try_recv(buffer);
      if (!result.error && result.bytes == 0) return;
    }
  }
};

/// Once a wait has timed out it waits without a deadline.
class WaitsForEver : public BaseRequestHandler {
 protected:
  void handle() override {
    std::array<std::byte, 16> buffer;
    if (!request().try_recv(buffer).error) return;
    request().settimeout(std::nullopt);
    while (request().try_recv(buffer).bytes > 0) {
    }
  }
};

/// Calls the stream's own write, and takes a short one for a whole one.
class IgnoresShortWrites : public BaseRequestHandler {
 protected:
  void handle() override {
    const std::string text = request().recv(1024);
    (void)request().write_some(std::as_bytes(std::span(text)), Deadline::never());
  }
};

class AlwaysThrows : public StreamRequestHandler {
 protected:
  void handle() override {
    (void)rfile().readline();
    throw std::runtime_error("refused");
  }
};

}  // namespace

TEST_CASE("a handler that ends well at every fault passes") {
  const SweepReport report = sweep_faults<UpperCaseHandler>("hello\nworld\n");
  CHECK(report);
  // A read, a write and a read of EOF: for each kind of fault three runs, and one that does not reach it.
  CHECK(report.runs == 1 + 3 * 4);
}

TEST_CASE("a handler that leaks at a reset is found by what is alive, with a test to paste") {
  const std::size_t before = Session::alive();
  const SweepReport report = sweep_faults<LeaksAtReset>(SweepOptions{.alive = Session::alive}, "hello\n");
  CHECK_FALSE(report);
  CHECK(report.text() == R"(LeaksAtReset: run 6 (seed 1): Fault::reset(0): alive before the run: 0, after it: 1
As a test:
  RunOptions options;  // and what the sweep was given
  options.fault = Fault::reset(0);
  const auto run = run_handler<LeaksAtReset>(options, Script{send("hello\n")});
  CHECK(alive() == 0);
)");

  SECTION("the pasted test fails as the sweep did") {
    RunOptions options;
    options.fault = Fault::reset(0);
    const std::size_t alive = Session::alive();
    const auto run = run_handler<LeaksAtReset>(options, Script{send("hello\n")});
    CHECK(Session::alive() == alive + 1);
    options.fault = Fault::reset(1);
    CHECK(run_handler<LeaksAtReset>(options, Script{send("hello\n")}).output == "hel");
    CHECK(Session::alive() == alive + 2);
  }
  for (Session* session : LeaksAtReset::forgotten) delete session;
  LeaksAtReset::forgotten.clear();
  CHECK(Session::alive() == before);
}

#if defined(LEAKS_ARE_FOUND)
TEST_CASE("under LeakSanitizer a handler that leaks at a fault is found without a count") {
  // Kept so that the sanitizer does not see it, and this test can still give it back.
  static std::vector<std::uintptr_t> hidden;
  class Leaks : public BaseRequestHandler {
   protected:
    void handle() override {
      auto* session = new Session;
      hidden.push_back(~reinterpret_cast<std::uintptr_t>(session));
      while (!request().recv(16).empty()) {
      }
      hidden.pop_back();
      delete session;
    }
  };
  const SweepReport report = sweep_faults<Leaks>("hello\n");
  CHECK_FALSE(report);
  CHECK(report.problem.ends_with("LeakSanitizer has found a leak, written to standard error"));
  for (const std::uintptr_t one : hidden) delete reinterpret_cast<Session*>(~one);
  hidden.clear();
}
#endif

TEST_CASE("an exception that is not a StreamError is found") {
  const SweepReport report = sweep_faults<Misreports>("x");
  CHECK_FALSE(report);
  CHECK(report.text() == R"(Misreports: run 2 (seed 1): Fault::timeout(0): )"
                         R"(std::runtime_error: cannot receive left the handler, which is no StreamError
As a test:
  const auto run = run_handler<Misreports>(RunOptions{.fault = Fault::timeout(0)}, Script{send("x")});
  CHECK((run.error.empty() || run.threw<StreamError>()));
)");
  const auto run = run_handler<Misreports>(RunOptions{.fault = Fault::timeout(0)}, Script{send("x")});
  CHECK_FALSE((run.error.empty() || run.threw<StreamError>()));
}

TEST_CASE("an error of its own that leaves a handler without a fault may leave it with one") {
  CHECK(sweep_faults<AlwaysThrows>("x\n"));
}

TEST_CASE("a handler that does not end after a fault is found") {
  const SweepReport report = sweep_faults<NeverGivesUp>("x");
  CHECK_FALSE(report);
  CHECK(report.problem == "Fault::reset(0): the handler does not end: it has made more than 100000 reads and writes");
  CHECK_THROWS_AS(run_handler<NeverGivesUp>(RunOptions{.fault = Fault::reset(0)}, Script{send("x")}), ScriptError);
}

TEST_CASE("a handler that waits without a deadline after a fault is found") {
  const SweepReport report = sweep_faults<WaitsForEver>(Script{send("x"), stay_connected()});
  CHECK_FALSE(report);
  CHECK(report.problem == "Fault::timeout(0): step 2 of 2, stay_connected(): the handler waits without a deadline");
}

TEST_CASE("a handler that takes a short write for a whole one is found") {
  const SweepReport report = sweep_faults<IgnoresShortWrites>("abcd");
  CHECK_FALSE(report);
  CHECK(report.text() == R"(IgnoresShortWrites: run 9 (seed 1): Fault::short_write(1): )"
                         R"(a write in two parts makes a difference
  expected "abcd"
  sent     "ab"
  from byte 2 on
As a test:
  const auto run = run_handler<IgnoresShortWrites>(RunOptions{.fault = Fault::short_write(1)}, Script{send("abcd")});
  CHECK(run.output == "abcd");
)");
}

TEST_CASE("a conversation is swept, and after its fault nothing is expected any more") {
  CHECK(sweep_faults<UpperCaseHandler>(Script{send("a\n"), expect("A\n"), send("b\n"), expect("B\n"), reset()}));
  const SweepReport report = sweep_faults<UpperCaseHandler>(Script{send("a\n"), expect("B\n")});
  CHECK_FALSE(report);
  CHECK(report.problem.starts_with("without a fault: step 2 of 2"));
}
