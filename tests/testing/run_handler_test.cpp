#include <memory>
#include <socketserver/base/text.hpp>
#include <socketserver/handlers/echo.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/server/base_server.hpp>
#include <socketserver/testing/run_handler.hpp>
#include <socketserver/testing/stub_server.hpp>
#include <sstream>

#include "support/catch.hpp"

using namespace socketserver;
using namespace socketserver::testing;
using namespace std::literals;

namespace {

std::string shown(const HandlerRun& run) {
  std::ostringstream out;
  out << run;
  return out.str();
}

class Greeter : public StreamRequestHandler {
 public:
  Greeter(std::string greeting, int& greeted) : greeting_(std::move(greeting)), greeted_(greeted) {}

 protected:
  void handle() override {
    while (const auto name = rfile().readline()) {
      wfile() << greeting_ << ", " << strip(*name) << " from " << client_address().to_string() << "\n";
      ++greeted_;
    }
  }

 private:
  std::string greeting_;
  int& greeted_;
};

class Throwing : public StreamRequestHandler {
 protected:
  void handle() override {
    wfile() << "half";
    throw std::out_of_range("no such user");
  }
};

class Asking : public StreamRequestHandler {
 protected:
  void handle() override {
    wfile() << server().config().app << server().stats().accepted;
    server().shutdown();
  }
};

class Closing : public BaseRequestHandler {
 protected:
  void handle() override { request().close(); }
};

}  // namespace

TEST_CASE("a line handler is run on a text") {
  const auto run = run_handler<UpperCaseHandler>("hello\nworld");
  CHECK(run.output == "HELLO\nWORLD");
  CHECK(run.writes == std::vector<std::string>{"HELLO\n", "WORLD"});
  CHECK(run.error.empty());
  CHECK(run.exception == nullptr);
  CHECK_FALSE(run.closed);
  CHECK(run.unread.empty());
  CHECK(run.operations == 5);  // a read, and twice a write and a read of EOF
  CHECK(shown(run) == R"(sent "HELLO\nWORLD" in 2 writes)");
}

TEST_CASE("a raw handler is run, and its unread input is reported") {
  const auto run = run_handler<RawUpperCaseHandler>(Script{send("hello\n"), send("more")});
  CHECK(run.output == "HELLO");
  CHECK(run.unread == "more");
  CHECK(shown(run) == R"(sent "HELLO" in 1 write; "more" was not read)");
}

TEST_CASE("constructor arguments are handed on, references as such") {
  int greeted = 0;
  const auto run = run_handler<Greeter>("Ann\n", "Hello", greeted);
  CHECK(run.output == "Hello, Ann from 192.0.2.1:50000\n");
  CHECK(greeted == 1);

  class Owner {
   public:
    explicit Owner(std::unique_ptr<int> value) : value_(std::move(value)) {}
    void run(Request& request) { request.stream().sendall(std::to_string(*value_)); }

   private:
    std::unique_ptr<int> value_;
  };
  CHECK(run_handler<Owner>("", std::make_unique<int>(7)).output == "7");
}

TEST_CASE("an argument can be made for the run alone") {
  CHECK(run_handler<Greeter>("Ann\n", fresh<std::string>("Hi"), fresh<int>()).output.starts_with("Hi, Ann"));
}

TEST_CASE("the client's address and the limits are options") {
  int greeted = 0;
  const RunOptions options{.client_address = address("2001:db8::7", 1234), .limits = {.max_line = 4}};
  const auto run = run_handler<Greeter>(options, "Bob\nRobert\n", "Hello", greeted);
  CHECK(run.output == "Hello, Bob from [2001:db8::7]:1234\n");
  CHECK(run.threw<LineTooLong>());
  CHECK_THROWS_AS(address("localhost", 1), std::invalid_argument);
}

TEST_CASE("an exception of any type that leaves the handler or its constructor is reported") {
  const auto run = run_handler<Throwing>("");
  CHECK(run.output == "half");
  CHECK(run.error == "std::out_of_range: no such user");
  CHECK(run.threw<std::logic_error>());
  CHECK_FALSE(run.threw<StreamError>());
  CHECK(shown(run) == R"(sent "half" in 1 write; std::out_of_range: no such user left it)");

  class Unmakeable {
   public:
    Unmakeable() { throw 7; }
    void run(Request&) {}
  };
  CHECK(run_handler<Unmakeable>("").error == "an exception of type int");
}

TEST_CASE("whether the handler has closed its stream is reported") {
  const auto run = run_handler<Closing>("hello");
  CHECK(run.closed);
  CHECK(run.unread == "hello");
  CHECK(shown(run) == R"(sent "" in 0 writes; "hello" was not read; it closed the stream)");
}

TEST_CASE("the timeouts are those that a server has, on the script's clock") {
  const auto run = run_handler<UpperCaseHandler>(Script{send("a\n"), expect("A\n"), pause(61s)});
  CHECK(run.threw<TimeoutError>());
  CHECK(run.elapsed == 60s);
  CHECK(run_handler<UpperCaseHandler>(Script{send("a\n"), pause(59s)}).error.empty());
  CHECK(run_handler<EchoHandler>(RunOptions{.timeouts = {.idle = 5s}}, Script{stay_connected()}).elapsed == 5s);
  const RunOptions mortal{.timeouts = {.lifetime = 90s}};
  CHECK(run_handler<UpperCaseHandler>(mortal, Script{pause(50s), send("a\n"), stay_connected()}).elapsed == 90s);
  CHECK(run_handler<EchoHandler>(Script{send("x"), stop_reading()}).elapsed == 30s);
}

TEST_CASE("a conversation that differs from its script is thrown, with what left the handler") {
  CHECK_THROWS_WITH(run_handler<UpperCaseHandler>(Script{send("hello\n"), expect("hello\n")}),
                    R"(step 2 of 2, expect("hello\n"): the handler has sent "HELLO\n", which differs at byte 0)");
  CHECK_THROWS_WITH(run_handler<Throwing>(Script{expect("half and")}),
                    R"(step 1 of 1, expect("half and"): the handler has sent "half" and ended; )"
                    "std::out_of_range: no such user left the handler");
}

TEST_CASE("a handler that swallows the error of its script does not hide it") {
  class Swallowing : public BaseRequestHandler {
   protected:
    void handle() override {
      try {
        request().sendall("x");
      } catch (...) {
      }
    }
  };
  CHECK_THROWS_AS(run_handler<Swallowing>(Script{expect("y")}), ScriptError);
}

TEST_CASE("a handler that waits without a limit is reported") {
  const RunOptions patient{.timeouts = {.idle = std::nullopt}};
  CHECK_THROWS_WITH(run_handler<EchoHandler>(patient, Script{stay_connected()}),
                    "step 1 of 1, stay_connected(): the handler waits without a deadline");
}

TEST_CASE("a handler that never ends is reported") {
  class Endless : public BaseRequestHandler {
   protected:
    void handle() override {
      for (;;) (void)request().try_recv(std::span<std::byte>(&byte_, 1));  // an error or EOF is no reason to stop
    }

   private:
    std::byte byte_{};
  };
  CHECK_THROWS_WITH(run_handler<Endless>("x"),
                    "the handler does not end: it has made more than 100000 reads and writes");
}

TEST_CASE("a handler that asks for a server gets the one that the test gives") {
  ServerConfig config;
  config.app = "[1]";
  config.limits.write_buffer = 0;
  StubServer server{config};
  CHECK(server.server_address().port() != 0);
  CHECK_FALSE(server.stop_requested());
  CHECK_FALSE(server.stop_requested());
  const auto run = run_handler<Asking>(RunOptions{.server = &server}, "");
  CHECK(run.writes == std::vector<std::string>{"[1]", "0"});  // its limits hold
  CHECK(server.stop_requested());
  CHECK(server.stop_requested());
  CHECK(run_handler<Asking>("").threw<std::logic_error>());  // none was given
}

TEST_CASE("a server's timeouts hold, too") {
  ServerConfig config;
  config.timeouts.idle = 3s;
  StubServer server{config};
  CHECK(run_handler<EchoHandler>(RunOptions{.server = &server}, Script{stay_connected()}).elapsed == 3s);
}

TEST_CASE("one operation can be made to fail") {
  const auto at = [](Fault fault) {
    return run_handler<UpperCaseHandler>(RunOptions{.fault = fault}, Script{send("hello\n"), send("x\n")});
  };
  SECTION("a read times out at its deadline") {
    const auto run = at(Fault::timeout(0));
    CHECK(run.threw<TimeoutError>());
    CHECK(run.elapsed == 60s);
    CHECK(run.output.empty());
  }
  SECTION("a write times out at its deadline, when half of it has gone") {
    const auto run = at(Fault::timeout(1));
    CHECK(run.threw<TimeoutError>());
    CHECK(run.elapsed == 30s);
    CHECK(run.output == "HEL");
  }
  SECTION("a reset stays") {
    const auto run = at(Fault::reset(2));
    CHECK(run.threw<StreamError>());
    CHECK_FALSE(run.threw<TimeoutError>());
    CHECK(run.output == "HELLO\n");
    CHECK(at(Fault::reset(1)).output == "HEL");
  }
  SECTION("a short write changes only the writes") {
    const auto run = at(Fault::short_write(1));
    CHECK(run.writes == std::vector<std::string>{"HEL", "LO\n", "X\n"});
    CHECK(run.error.empty());
  }
  SECTION("one that is not reached is reported as such") {
    CHECK(at(Fault::reset(4)).fault_reached);
    CHECK_FALSE(at(Fault::reset(5)).fault_reached);
    CHECK(Fault::short_write(3).code() == "Fault::short_write(3)");
  }
}
