// A server that a handler of another server runs, on fibers of one loop each.

#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/server/tcp_server.hpp>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/event.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

/// What a test has the outer server's handler do.
struct Task {
  std::function<void(BaseServer& outer)> run;
};

class TaskHandler : public StreamRequestHandler {
 public:
  explicit TaskHandler(Task& task) : task_(task) {}

 protected:
  void handle() override {
    task_.run(server());
    wfile() << "done\n";
  }

 private:
  Task& task_;
};

/// Has both servers stopped when a connection comes.
class StoppingServer : public TCPServer<UpperCaseHandler> {
 public:
  StoppingServer(ServerConfig config, BaseServer& outer) : TCPServer(std::move(config)), outer_(outer) {}
  ~StoppingServer() override { server_close(); }

 protected:
  bool verify_request(Request&) override {
    outer_.shutdown();
    shutdown();
    return true;
  }

 private:
  BaseServer& outer_;
};

}  // namespace

TEST_CASE("on a fiber handle_request serves a connection that has arrived, even with an expired deadline") {
  const TestPolicy policy = GENERATE(TestPolicy(PolicyKind::thread), TestPolicy(PolicyKind::fiber), kOneLoop);
  TCPServer<UpperCaseHandler> inner(local_config(policy));
  Client client(inner.server_address());
  bool served = false;
  Task task{[&](BaseServer&) { served = inner.handle_request(Deadline::at_once()); }};
  RunningServer<TCPServer<TaskHandler>> outer(local_config(policy), std::ref(task));
  CHECK(Client(outer.address()).recv_line() == "done\n");
  CHECK(served);
  CHECK(client.ask("x\n") == "X\n");
}

TEST_CASE("a hook of an inner server stops the outer one without waiting for itself") {
  const TestPolicy policy = GENERATE(TestPolicy(PolicyKind::thread), TestPolicy(PolicyKind::fiber), kOneLoop);
  Event listening;
  SocketAddress address;
  Task task{[&](BaseServer& outer) {
    StoppingServer inner(local_config(policy), outer);
    address = inner.server_address();
    listening.set();
    inner.serve_forever();
  }};
  RunningServer<TCPServer<TaskHandler>> outer(local_config(policy), std::ref(task));
  Client client(outer.address());
  listening.wait();
  CHECK(Client(address).recv_all().empty());
  CHECK(client.recv_all() == "done\n");
  CHECK(outer.wait().forced == 0);
}
