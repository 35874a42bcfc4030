#include <socketserver/handlers/echo.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/io/memory_stream.hpp>
#include <stdexcept>

#include "support/catch.hpp"

using namespace socketserver;

namespace {

template <typename Handler, typename... Args>
void run(MemoryStream& stream, Args&&... args) {
  Request request(stream);
  Handler handler(std::forward<Args>(args)...);
  handler.run(request);
}

}  // namespace

TEST_CASE("UpperCaseHandler answers each line, the unterminated last one too") {
  MemoryStream stream({"hello\nwo", "rld\nrest"});
  run<UpperCaseHandler>(stream);
  CHECK(stream.written() == "HELLO\nWORLD\nREST");
  CHECK(stream.writes().size() == 3);  // one before each wait for input, one at the end
}

TEST_CASE("RawUpperCaseHandler answers one recv, stripped") {
  MemoryStream stream({"  hello\r\n", "more"});
  run<RawUpperCaseHandler>(stream);
  CHECK(stream.writes() == std::vector<std::string>{"HELLO"});
  CHECK(stream.unread() == "more");
}

TEST_CASE("RawUpperCaseHandler takes at most 1024 bytes") {
  MemoryStream stream(std::string(2000, 'a'));
  run<RawUpperCaseHandler>(stream);
  CHECK(stream.written() == std::string(1024, 'A'));
}

TEST_CASE("EchoHandler sends back what it receives") {
  MemoryStream stream({"ab", std::string("\0\xff", 2), "c"});
  run<EchoHandler>(stream);
  CHECK(stream.writes() == std::vector<std::string>{"ab", std::string("\0\xff", 2), "c"});
}

TEST_CASE("what a stream handler's options leave out comes from the configuration") {
  class TwoWrites : public StreamRequestHandler {
   public:
    using StreamRequestHandler::StreamRequestHandler;

   protected:
    void handle() override {
      wfile() << "a"
              << "b";
      (void)rfile().readline();
    }
  };
  MemoryStream buffered("123456789\n");
  run<TwoWrites>(buffered);
  CHECK(buffered.writes() == std::vector<std::string>{"ab"});

  MemoryStream unbuffered("123456789\n");
  run<TwoWrites>(unbuffered, StreamOptions{.write_buffer = 0});
  CHECK(unbuffered.writes() == std::vector<std::string>{"a", "b"});

  MemoryStream limited("123456789\n");
  Request request(limited, {}, nullptr, LimitsConfig{.max_line = 5});
  TwoWrites from_configuration;
  CHECK_THROWS_AS(from_configuration.run(request), LineTooLong);
  MemoryStream limited_by_options("123456789\n");
  CHECK_THROWS_AS(run<TwoWrites>(limited_by_options, StreamOptions{.max_line = 9}), LineTooLong);
}

TEST_CASE("what was written before an exception is still sent, and the exception propagates") {
  class Failing : public StreamRequestHandler {
   protected:
    void handle() override {
      wfile() << "partial";
      throw std::runtime_error("first");
    }
    void finish() override { throw std::runtime_error("second"); }
  };
  MemoryStream stream;
  CHECK_THROWS_WITH(run<Failing>(stream), "first");
  CHECK(stream.written() == "partial");
}

TEST_CASE("setup and finish may be overridden without calling the base's") {
  class Polite : public StreamRequestHandler {
   protected:
    void setup() override { wfile() << "hello "; }
    void handle() override { wfile() << *rfile().readline(); }
    void finish() override { wfile() << " bye"; }
  };
  MemoryStream stream("x");
  run<Polite>(stream);
  CHECK(stream.writes() == std::vector<std::string>{"hello ", "x bye"});
}

TEST_CASE("a handler may outlive its stream, and be run again") {
  UpperCaseHandler handler;
  for (int i = 0; i < 2; ++i) {
    MemoryStream stream("x\n");
    Request request(stream);
    handler.run(request);
    CHECK(stream.written() == "X\n");
  }
}

TEST_CASE("a handler that asks for its server in a test without one gets an error that says so") {
  class Asking : public BaseRequestHandler {
   protected:
    void handle() override { (void)server(); }
  };
  MemoryStream stream;
  CHECK_THROWS_AS(run<Asking>(stream), std::logic_error);
}
