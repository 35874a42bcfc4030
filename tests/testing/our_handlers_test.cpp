// Our own handlers and those of the examples, with each tool.

#include <socketserver/base/text.hpp>
#include <socketserver/handlers/echo.hpp>
#include <socketserver/handlers/struct_echo.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/server/tcp_server.hpp>
#include <socketserver/testing/catch.hpp>
#include <socketserver/testing/run_handler.hpp>
#include <socketserver/testing/stub_server.hpp>
#include <socketserver/testing/sweep.hpp>

#include "examples/chat_handler.hpp"
#include "examples/line_proxy_handler.hpp"
#include "support/catch.hpp"
#include "support/running_server.hpp"
#include "support/unconnectable.hpp"

using namespace socketserver;
using namespace socketserver::testing;
using namespace std::literals;

namespace {

const std::string kBytes("a\0\xff\r\n\n", 6);

std::string record() {
  const auto bytes = StructEchoHandler::Record::pack(1, "ab", 2, 3, 3, 2.5);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const Script kChat{expect("Your name?\n"), send("ann\n"), expect("Welcome, ann.\n"),
                   send("hello\n"),        pause(59s),    send("bye\n")};

/// A member of the room that is only listened to.
class Bob {
 public:
  explicit Bob(Room& room) : room_(room) { room_.join("bob", stream_); }
  ~Bob() { room_.leave("bob"); }
  std::string heard() const { return stream_.written(); }

 private:
  MemoryStream stream_;
  Room& room_;
};

}  // namespace

TEST_CASE("UpperCaseHandler with each tool") {
  CHECK_THAT(run_handler<UpperCaseHandler>("hello\nworld"), Sends("HELLO\nWORLD"));
  CHECK(run_handler<UpperCaseHandler>(Script{send("a\n"), expect("A\n"), send("b\n"), expect("B\n"), pause(61s)})
            .threw<TimeoutError>());
  CHECK(sweep_chunks<UpperCaseHandler>("hello\r\nw\xc3\xb6rld\n\nrest"));
  CHECK(sweep_faults<UpperCaseHandler>(Script{send("hello\nwo"), send("rld\n"), pause(5s), send("rest")}));
}

TEST_CASE("RawUpperCaseHandler with each tool") {
  CHECK_THAT(run_handler<RawUpperCaseHandler>(" hello\r\n"), Sends("HELLO"));
  CHECK(run_handler<RawUpperCaseHandler>(Script{stay_connected()}).threw<TimeoutError>());
  CHECK_FALSE(sweep_chunks<RawUpperCaseHandler>("hello"));  // one recv is its protocol, as it says
  CHECK(sweep_faults<RawUpperCaseHandler>("hello"));
}

TEST_CASE("EchoHandler with each tool") {
  CHECK_THAT(run_handler<EchoHandler>(kBytes), Sends(kBytes));
  CHECK_THAT(run_handler<EchoHandler>(Script{send("a"), expect("a"), send(kBytes), expect(kBytes), half_close()}),
             Sends("a" + kBytes));
  CHECK(run_handler<EchoHandler>(Script{send("a"), stop_reading(), pause(31s)}).threw<TimeoutError>());
  CHECK(sweep_chunks<EchoHandler>(kBytes));
  CHECK(sweep_faults<EchoHandler>(Script{send("a"), send(kBytes)}));
}

TEST_CASE("StructEchoHandler with each tool") {
  StubServer server;
  const RunOptions options{.server = &server};
  CHECK_THAT(run_handler<StructEchoHandler>(options, Script{send("hello\n"), expect("hello\n"), send(record())}),
             Sends("hello\n"));
  // However the record is cut: the peer sends it once it has the line again, as struct_client does.
  const SweepReport cut =
      sweep_chunks<StructEchoHandler>(SweepOptions{.run = options}, Script{send("\n"), expect("\n"), send(record())});
  CHECK(cut);
  CHECK(sweep_faults<StructEchoHandler>(SweepOptions{.run = options}, Script{send("hello\n"), send(record())}));
}

TEST_CASE("ChatHandler with each tool") {
  Room room;
  {
    const Bob bob(room);
    CHECK_THAT(run_handler<ChatHandler>(kChat, room), Sends("Your name?\nWelcome, ann.\n"));
    CHECK(bob.heard() == "ann has joined\nann: hello\nann: bye\nann has left\n");
    CHECK_THAT(run_handler<ChatHandler>(Script{send("bob\n")}, room), Sends("Your name?\nNot that one.\n"));
  }
  CHECK(sweep_chunks<ChatHandler>("ann\nhello\nbye\n", fresh<Room>()));
  CHECK(sweep_chunks<ChatHandler>(kChat, room));
  // A member that was cut off has left the room: nobody else would be sent to a stream that is gone.
  CHECK(sweep_faults<ChatHandler>(SweepOptions{.alive = [&room] { return room.members(); }}, kChat, room));
}

TEST_CASE("LineProxyHandler with each tool") {
  testing_support::RunningServer<TCPServer<UpperCaseHandler>> upstream(testing_support::local_config());
  Target target{"127.0.0.1", upstream.address().port()};
  StubServer server;
  const RunOptions options{.server = &server};
  const SweepOptions sweep{.run = options, .random_runs = 10};
  CHECK_THAT(
      run_handler<LineProxyHandler>(options, Script{send("a\n"), expect("A\n"), send("b\n"), expect("B\n")}, &target),
      Sends("A\nB\n"));
  CHECK(sweep_chunks<LineProxyHandler>(sweep, "hello\nworld", &target));
  CHECK(sweep_faults<LineProxyHandler>(sweep, Script{send("hello\nwo"), send("rld\n")}, &target));

  testing_support::Refusing refusing;
  Target nobody{"127.0.0.1", refusing.address.port()};
  CHECK_THAT(run_handler<LineProxyHandler>(options, "a\nb\n", &nobody),
             Sends("error: the upstream server is not available\n"));
}
