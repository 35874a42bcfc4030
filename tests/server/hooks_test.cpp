// The order of the hooks and what their exceptions cost: Python's meaning, without Python's faults.

#include <mutex>
#include <socketserver/handlers/base_request_handler.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

/// What happened, in order; and where an exception is to be thrown.
struct Script {
  std::string throw_in;
  bool throw_int = false;  // an exception of no standard type
  std::mutex mutex;
  std::vector<std::string> calls;

  void at(const std::string& place) {
    {
      const std::lock_guard lock(mutex);
      calls.push_back(place);
    }
    if (place != throw_in) return;
    if (throw_int) throw 42;
    throw std::runtime_error("thrown in " + place);
  }
  std::vector<std::string> seen() {
    const std::lock_guard lock(mutex);
    return calls;
  }
};

class ScriptedHandler : public BaseRequestHandler {
 public:
  static bool speaks_first() { return true; }
  explicit ScriptedHandler(Script& script) : script_(script) { script_.at("construct"); }

 protected:
  void setup() override { script_.at("setup"); }
  void handle() override { script_.at("handle"); }
  void finish() override { script_.at("finish"); }

 private:
  Script& script_;
};

class ScriptedServer : public TCPServer<ScriptedHandler> {
 public:
  ScriptedServer(ServerConfig config, Script& script)
      : TCPServer(std::move(config), std::ref(script)), script_(script) {}
  ~ScriptedServer() override { server_close(); }
  bool refuse = false;

 protected:
  bool verify_request(Request& request) override {
    script_.at("verify_request");
    return !refuse && TCPServer::verify_request(request);
  }
  void process_request(Request& request) override {
    script_.at("process_request");
    TCPServer::process_request(request);
  }
  void finish_request(Request& request) override {
    script_.at("finish_request");
    TCPServer::finish_request(request);
  }
  void shutdown_request(Request& request) override {
    script_.at("shutdown_request");
    TCPServer::shutdown_request(request);
  }
  void close_request(Request& request) override {
    script_.at("close_request");
    TCPServer::close_request(request);
  }
  void handle_error(Request& request, std::exception_ptr error) override {
    script_.at("handle_error");
    TCPServer::handle_error(request, error);
  }
  void service_actions() override {
    if (script_.throw_in == "service_actions") throw std::runtime_error("thrown in service_actions");
  }

 private:
  Script& script_;
};

using Calls = std::vector<std::string>;
const Calls kNormal{"verify_request", "process_request", "finish_request",   "construct",    "setup",
                    "handle",         "finish",          "shutdown_request", "close_request"};

/// Serves one connection, then another that must not be affected. @returns the calls of the first.
Calls calls_of_one(TestPolicy policy, Script& script, bool refuse = false, ServerStats* stats = nullptr) {
  RunningServer<ScriptedServer> running(local_config(policy), script);
  running.server.refuse = refuse;
  CHECK(Client(running.address()).recv_all().empty());
  CHECK(eventually([&] { return running.server.stats().active == 0; }));
  const Calls calls = script.seen();
  CHECK(Client(running.address()).recv_all().empty());
  CHECK(eventually([&] { return running.server.stats().accepted == 2 && running.server.stats().active == 0; }));
  if (stats != nullptr) *stats = running.server.stats();
  return calls;
}

}  // namespace

TEST_CASE("the hooks run in Python's order") {
  const auto policy = GENERATE(from_range(kPolicies));
  Script script;
  ServerStats stats;
  CHECK(calls_of_one(policy, script, false, &stats) == kNormal);
  CHECK(stats.served == 2);
}

TEST_CASE("when handle throws, finish still runs and handle_error comes before shutdown_request") {
  const auto policy = GENERATE(from_range(kPolicies));
  Script script;
  script.throw_in = "handle";
  script.throw_int = GENERATE(false, true);
  ServerStats stats;
  CHECK(calls_of_one(policy, script, false, &stats) == Calls{"verify_request", "process_request", "finish_request",
                                                             "construct", "setup", "handle", "finish", "handle_error",
                                                             "shutdown_request", "close_request"});
  CHECK(stats.failed == 2);
  CHECK(stats.served == 0);
}

TEST_CASE("when setup or the constructor throws, nothing of the handler runs any more") {
  const auto policy = GENERATE(from_range(kPolicies));
  Script script;
  script.throw_in = "setup";
  CHECK(calls_of_one(policy, script) == Calls{"verify_request", "process_request", "finish_request", "construct",
                                              "setup", "handle_error", "shutdown_request", "close_request"});
  Script constructor;
  constructor.throw_in = "construct";
  CHECK(calls_of_one(policy, constructor) == Calls{"verify_request", "process_request", "finish_request", "construct",
                                                   "handle_error", "shutdown_request", "close_request"});
}

TEST_CASE("a connection that verify_request refuses is shut down and closed once, and not processed") {
  Script script;
  ServerStats stats;
  CHECK(calls_of_one(PolicyKind::pool, script, true, &stats) ==
        Calls{"verify_request", "shutdown_request", "close_request"});
  CHECK(stats.rejected == 2);
  CHECK(stats.served == 0);
}

TEST_CASE("a hook that throws costs its connection, never the server") {
  const auto policy = GENERATE(from_range(kPolicies));
  const std::string hook = GENERATE("verify_request", "process_request", "finish_request", "finish", "shutdown_request",
                                    "close_request", "service_actions");
  CAPTURE(hook);
  Script script;
  script.throw_in = hook;
  script.throw_int = GENERATE(false, true);
  ServerStats stats;
  const Calls calls = calls_of_one(policy, script, false, &stats);
  CHECK(std::count(calls.begin(), calls.end(), "handle_error") == (hook == "service_actions" ? 0 : 1));
  CHECK(std::count(calls.begin(), calls.end(), "shutdown_request") == 1);
  CHECK(std::count(calls.begin(), calls.end(), "close_request") == 1);
  CHECK(stats.served + stats.failed == 2);
}

TEST_CASE("a shutdown_request that throws does not leave its client waiting while the connection lingers") {
  Script script;
  script.throw_in = "shutdown_request";
  ServerConfig config = local_config(GENERATE(from_range(kPolicies)));
  config.timeouts.linger = 60s;
  RunningServer<ScriptedServer> running(config, script);
  CHECK(Client(running.address()).recv_all().empty());  // in the client's ten seconds
}

TEST_CASE("a handle_error that throws costs nothing more") {
  Script script;
  script.throw_in = "handle_error";
  class Failing : public ScriptedServer {
   public:
    using ScriptedServer::ScriptedServer;
    ~Failing() override { server_close(); }

   protected:
    void finish_request(Request&) override { throw std::runtime_error("first"); }
  };
  RunningServer<Failing> running(local_config(), script);
  for (int i = 0; i < 3; ++i) CHECK(Client(running.address()).recv_all().empty());
  CHECK(eventually([&] { return running.server.stats().failed == 3; }));
}

TEST_CASE("an override of process_request may serve the connection itself") {
  class Direct : public ScriptedServer {
   public:
    using ScriptedServer::ScriptedServer;
    ~Direct() override { server_close(); }

   protected:
    void process_request(Request& request) override { finish_request(request); }
  };
  Script script;
  {
    RunningServer<Direct> running(local_config(), script);
    CHECK(Client(running.address()).recv_all().empty());
    CHECK(eventually([&] { return running.server.stats().served == 1; }));
  }
  CHECK(script.seen() == Calls{"verify_request", "finish_request", "construct", "setup", "handle", "finish",
                               "shutdown_request", "close_request"});
}

TEST_CASE("a timeout is counted as one also where process_request serves the connection itself") {
  class Direct : public TCPServer<ScriptedHandler> {
   public:
    using TCPServer::TCPServer;
    ~Direct() override { server_close(); }

   protected:
    void process_request(Request&) override { throw TimeoutError("test"); }
  };
  Script script;
  RunningServer<Direct> running(local_config(), std::ref(script));
  CHECK(Client(running.address()).recv_all().empty());
  CHECK(eventually([&] { return running.server.stats().timed_out == 1; }));
}

TEST_CASE("service_actions is called after each turn of the loop, handle_timeout when a wait has timed out") {
  class Counting : public ScriptedServer {
   public:
    using ScriptedServer::ScriptedServer;
    ~Counting() override { server_close(); }
    int actions = 0;
    int timeouts = 0;

   protected:
    void service_actions() override { ++actions; }
    void handle_timeout() override { ++timeouts; }
  };
  Script script;
  Counting server(local_config(PolicyKind::inline_), script);
  CHECK_FALSE(server.handle_request(Deadline::after(1ms)));
  CHECK(server.timeouts == 1);
  const int before = server.actions;
  Client client(server.server_address());
  CHECK(server.handle_request());
  CHECK(server.actions == before + 1);
  CHECK(server.timeouts == 1);
}
