// Servers and handlers with a bug that a simulation must find.

#include <memory>
#include <socketserver/base/sanitizers.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/testing/simulate.hpp>
#include <span>
#include <string>

#include "support/catch.hpp"
#include "support/upper_case_line.hpp"

using namespace socketserver;
using testing::simulate_seeds;
using testing::SimulationOptions;
using testing::SimulationReport;
using testing_support::upper_case_options;

namespace {

/// Keeps at most two connections and forgets to count one that it turned away.
class ForgetfulServer : public TCPServer<UpperCaseHandler> {
 public:
  using TCPServer::TCPServer;
  ~ForgetfulServer() override { server_close(); }
  int open() const { return open_; }

 protected:
  bool verify_request(Request&) override { return ++open_ <= 2; }
  void finish_request(Request& request) override {
    try {
      TCPServer::finish_request(request);
    } catch (...) {
      --open_;
      throw;
    }
    --open_;
  }

 private:
  int open_ = 0;
};

/// Splits lines itself: each recv has the whole idle timeout, as if it were the first.
class DripFedHandler : public BaseRequestHandler {
 protected:
  void handle() override {
    std::string lines;
    for (std::string part = request().recv(100); !part.empty(); part = request().recv(100)) {
      lines += part;
      const std::size_t end = lines.rfind('\n') + 1;
      request().sendall(upper(lines.substr(0, end)));
      lines.erase(0, end);
    }
  }
};

/// Leaves after two lines, however many there are.
class TwoLinesHandler : public StreamRequestHandler {
 protected:
  void handle() override {
    for (int i = 0; i < 2; ++i) {
      const auto line = rfile().readline();
      if (!line) return;
      wfile() << upper(*line);
    }
  }
};

/// Takes neither an error nor the end for an answer.
class StubbornHandler : public BaseRequestHandler {
 protected:
  void handle() override {
    std::byte byte{};
    for (;;) (void)request().try_recv(std::span(&byte, 1));
  }
};

/// Turns every client away.
class ClosedServer : public TCPServer<UpperCaseHandler> {
 public:
  using TCPServer::TCPServer;
  ~ClosedServer() override { server_close(); }

 protected:
  bool verify_request(Request&) override { return false; }
};

/// @returns the first failure in 1000 seeds.
template <typename Handler>
std::string first_failure(const SimulationOptions& options) {
  const SimulationReport report = simulate_seeds<Handler>(1, 1000, options);
  return report ? "" : report.failures.front();
}

}  // namespace

TEST_CASE("a server that forgets to count a connection it turned away is found") {
  SimulationOptions options = upper_case_options();
  options.verifies = true;
  options.check = [](BaseServer& server) {
    const int open = dynamic_cast<ForgetfulServer&>(server).open();
    return open == 0 ? std::string() : "it believes that " + std::to_string(open) + " are open";
  };
  SimulationReport report;
  for (std::uint64_t seed = 1; seed <= 1000 && report; ++seed) {
    report = testing::simulate_server(
        seed, options, [](const ServerConfig& config) { return std::make_unique<ForgetfulServer>(config); });
  }
  REQUIRE_FALSE(report);
  CHECK(report.failures.front().starts_with("it believes that"));
}

TEST_CASE("an idle clock that restarts on a drip is found") {
  CHECK(first_failure<DripFedHandler>(upper_case_options()).find("its connection ended at") != std::string::npos);
}

#ifndef SOCKETSERVER_ASAN  // what is on the stack of a fiber that does not end is never given back
TEST_CASE("a handler that does not end is found") {
  CHECK(first_failure<StubbornHandler>(upper_case_options()).starts_with("it does not come to an end; left are: "));
}
#endif

TEST_CASE("a server that turns clients away is found, unless it says so") {
  const auto make = [](const ServerConfig& config) { return std::make_unique<ClosedServer>(config); };
  SimulationOptions options = upper_case_options();
  SimulationReport report;
  for (std::uint64_t seed = 1; seed <= 100 && report; ++seed) report = testing::simulate_server(seed, options, make);
  REQUIRE_FALSE(report);
  CHECK(report.failures.front().find("was turned away although there was room") != std::string::npos);
  options.verifies = true;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) CHECK(testing::simulate_server(seed, options, make));
}

TEST_CASE("a handler that leaves requests unanswered is found") {
  CHECK(first_failure<TwoLinesHandler>(upper_case_options()).find("was owed") != std::string::npos);
}
