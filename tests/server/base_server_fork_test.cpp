// A server in a process that forks.

#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <socketserver/handlers/upper_case.hpp>
#include <stdexcept>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

using UpperServer = TCPServer<UpperCaseHandler>;

/// The status that a forked child ends with, or -1 where it had to be killed.
template <class Body>
int status_of_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a server that was made before a fork says so in the child, and its end there waits for nothing") {
  const PolicyKind policy = GENERATE(PolicyKind::inline_, PolicyKind::thread, PolicyKind::pool, PolicyKind::fiber);
  auto server = std::make_unique<UpperServer>(local_config({policy, 2}));
  CHECK(status_of_child([&] {
          try {
            server->serve_forever();
          } catch (const std::logic_error&) {
            try {
              (void)server->handle_request(Deadline::after(1s));
            } catch (const std::logic_error&) {
              server.reset();
              return 7;
            }
          }
          return 1;
        }) == 7);
}

TEST_CASE("a child of a process whose server is serving can end it there, and waits for nothing") {
  const PolicyKind policy = GENERATE(PolicyKind::thread, PolicyKind::pool, PolicyKind::fiber);
  auto server = std::make_unique<UpperServer>(local_config({policy, 2}));
  auto serving = std::async(std::launch::async, [&] { return server->serve_forever(); });
  Client client(server->server_address());
  CHECK(client.ask("served\n") == "SERVED\n");
  CHECK(status_of_child([&] {
          server->request_stop();
          server->shutdown();
          server.reset();
          return 7;
        }) == 7);
  CHECK(client.ask("still\n") == "STILL\n");
  server->request_stop();
  CHECK(serving.get().forced == 0);
}
