// Our own handlers and those of the examples, with each tool.

#include <socketserver/base/text.hpp>
#include <socketserver/handlers/echo.hpp>
#include <socketserver/handlers/struct_echo.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/server/tcp_server.hpp>
#include <socketserver/testing/catch.hpp>
#include <socketserver/testing/run_handler.hpp>
#include <socketserver/testing/server_fixture.hpp>
#include <socketserver/testing/simulate.hpp>
#include <socketserver/testing/stub_server.hpp>
#include <socketserver/testing/sweep.hpp>

#include "examples/chat_handler.hpp"
#include "examples/line_proxy_handler.hpp"
#include "support/catch.hpp"
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

/// Whole servers whose clients send lines and accept any answer.
template <typename Handler, typename... Args>
std::string simulated(std::string request, Args&... args) {
  const SimulationOptions options{.exchange =
                                      [request](std::uint64_t) {
                                        return Exchange{request, ""};
                                      },
                                  .answers_known = false};
  const SimulationReport report = simulate_seeds<Handler>(1, 200, options, args...);
  return report ? "" : report.text();
}

/// A real server's answer to all that one client says.
template <typename Handler, typename... Args>
std::string served(std::string_view request, Args&&... args) {
  ServerFixture<Handler> fixture(std::forward<Args>(args)...);
  SocketStream client = fixture.connect();
  client.sendall(request);
  client.shutdown(ShutdownHow::write);
  return Reader(client).read(1000);
}

/// A member of the room that is only listened to.
class Bob {
 public:
  explicit Bob(Room& room) : room_(room), membership_(room.everybody.join(outbox_)) { room_.take_name("bob"); }
  ~Bob() { room_.give_back("bob"); }
  std::string heard() const { return stream_.written(); }

 private:
  Room& room_;
  MemoryStream stream_;
  Outbox outbox_{stream_};
  Broadcast::Membership membership_;
};

}  // namespace

TEST_CASE("UpperCaseHandler with each tool") {
  CHECK_THAT(run_handler<UpperCaseHandler>("hello\nworld"), Sends("HELLO\nWORLD"));
  CHECK(run_handler<UpperCaseHandler>(Script{send("a\n"), expect("A\n"), send("b\n"), expect("B\n"), pause(61s)})
            .threw<TimeoutError>());
  CHECK(sweep_chunks<UpperCaseHandler>("hello\r\nw\xc3\xb6rld\n\nrest"));
  CHECK(sweep_faults<UpperCaseHandler>(Script{send("hello\nwo"), send("rld\n"), pause(5s), send("rest")}));
  CHECK(simulated<UpperCaseHandler>("hello\n").empty());
  CHECK(served<UpperCaseHandler>("hello\nworld") == "HELLO\nWORLD");
}

TEST_CASE("RawUpperCaseHandler with each tool") {
  CHECK_THAT(run_handler<RawUpperCaseHandler>(" hello\r\n"), Sends("HELLO"));
  CHECK(run_handler<RawUpperCaseHandler>(Script{stay_connected()}).threw<TimeoutError>());
  CHECK_FALSE(sweep_chunks<RawUpperCaseHandler>("hello"));  // one recv is its protocol, as it says
  CHECK(sweep_faults<RawUpperCaseHandler>("hello"));
  CHECK(simulated<RawUpperCaseHandler>("hello").empty());
  CHECK(served<RawUpperCaseHandler>("hello") == "HELLO");
}

TEST_CASE("EchoHandler with each tool") {
  CHECK_THAT(run_handler<EchoHandler>(kBytes), Sends(kBytes));
  CHECK_THAT(run_handler<EchoHandler>(Script{send("a"), expect("a"), send(kBytes), expect(kBytes), half_close()}),
             Sends("a" + kBytes));
  CHECK(run_handler<EchoHandler>(Script{send("a"), stop_reading(), pause(31s)}).threw<TimeoutError>());
  CHECK(sweep_chunks<EchoHandler>(kBytes));
  CHECK(sweep_faults<EchoHandler>(Script{send("a"), send(kBytes)}));
  CHECK(simulated<EchoHandler>(kBytes).empty());
  CHECK(served<EchoHandler>(kBytes) == kBytes);
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
  CHECK(simulated<StructEchoHandler>("hello\n" + record()).empty());
  ServerFixture<StructEchoHandler> fixture;
  SocketStream client = fixture.connect();
  Reader replies(client);
  client.sendall("hello\n");
  CHECK(replies.readline() == "hello\n");
  client.sendall(record());
  client.shutdown(ShutdownHow::write);
  CHECK(replies.readline() == std::nullopt);
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
  // A member that was cut off has left the room: otherwise messages would go to a stream that is gone.
  CHECK(sweep_faults<ChatHandler>(SweepOptions{.alive = [&room] { return room.members(); }}, kChat, room));
  CHECK(simulated<ChatHandler>("ann\n", room).empty());
  CHECK(room.members() == 0);
  CHECK(served<ChatHandler>("ann\n", std::ref(room)) == "Your name?\nWelcome, ann.\n");
}

TEST_CASE("LineProxyHandler with each tool") {
  const ServerFixture<UpperCaseHandler> upstream;
  Target target{"127.0.0.1", upstream.address().port()};
  StubServer server;
  const RunOptions options{.server = &server};
  const SweepOptions sweep{.run = options, .random_runs = 10};
  CHECK_THAT(
      run_handler<LineProxyHandler>(options, Script{send("a\n"), expect("A\n"), send("b\n"), expect("B\n")}, &target),
      Sends("A\nB\n"));
  CHECK(sweep_chunks<LineProxyHandler>(sweep, "hello\nworld", &target));
  CHECK(sweep_faults<LineProxyHandler>(sweep, Script{send("hello\nwo"), send("rld\n")}, &target));
  // Not in the simulation: its upstream would be a real socket. In the fixture it is.
  CHECK(served<LineProxyHandler>("hello\nworld\n", &target) == "HELLO\nWORLD\n");

  testing_support::Refusing refusing;
  Target unreachable{"127.0.0.1", refusing.address.port()};
  CHECK_THAT(run_handler<LineProxyHandler>(options, "a\nb\n", &unreachable),
             Sends("error: the upstream server is not available\n"));
}
