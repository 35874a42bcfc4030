#include <memory>
#include <regex>
#include <socketserver/net/address.hpp>
#include <socketserver/server/connection_table.hpp>
#include <socketserver/testing/stub_server.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/connected.hpp"

using namespace socketserver;
using testing_support::connected;

namespace {

/// A table, and connections in it whose peers stay open.
struct Table {
  detail::Connection& add() {
    auto [mine, its] = connected();
    peers.push_back(std::move(its));
    const SocketAddress peer = resolve_listen("192.0.2.1", static_cast<std::uint16_t>(peers.size())).at(0);
    return connections.add(std::move(mine), peer, server, log, std::make_shared<const ServerConfig>());
  }
  detail::ConnectionTable connections;
  std::vector<std::unique_ptr<SocketStream>> peers;
  /// @returns the description, without the seconds, which depend on the machine.
  std::string described() const { return std::regex_replace(connections.describe(), std::regex(R"(\d+ s)"), "N s"); }

  testing::StubServer server;
  Logger log{{.level = LogLevel::off}};
};

}  // namespace

TEST_CASE("a connection is counted by how it ended, and its bytes with those of the open ones") {
  Table table;
  const auto serve = [&table] {
    detail::Connection& connection = table.add();
    table.peers.back()->sendall("12345");
    CHECK(connection.stream().recv(10) == "12345");
    connection.stream().sendall("123");
    return &connection;
  };
  table.connections.end(*serve(), detail::Outcome::served);
  table.connections.end(*serve(), detail::Outcome::rejected);
  table.connections.end(*serve(), detail::Outcome::timed_out);
  for (int i = 0; i < 2; ++i) table.connections.end(*serve(), detail::Outcome::failed);
  detail::Connection* const open = serve();
  const ServerStats stats = table.connections.stats();
  CHECK(stats.accepted == 6);
  CHECK(stats.active == 1);
  CHECK(stats.served == 1);
  CHECK(stats.rejected == 1);
  CHECK(stats.timed_out == 1);
  CHECK(stats.failed == 2);
  CHECK(stats.bytes_in == 30);
  CHECK(stats.bytes_out == 18);
  table.connections.end(*open, detail::Outcome::served);
  CHECK(table.connections.stats().bytes_in == 30);
  CHECK(table.connections.active() == 0);
}

TEST_CASE("a connection that is added during a drain is drained, and aborted once all are") {
  Table table;
  detail::Connection& before = table.add();
  table.connections.start_drain();
  detail::Connection& during = table.add();
  CHECK(before.stream().recv(10).empty());  // the drain's EOF
  CHECK(during.stream().recv(10).empty());
  CHECK(table.connections.abort_all() == 2);
  detail::Connection& late = table.add();
  for (detail::Connection* connection : {&before, &during, &late}) {
    CHECK_THROWS_AS(connection->stream().sendall("x"), StreamError);
  }
  for (detail::Connection* connection : {&before, &during, &late}) {
    table.connections.end(*connection, detail::Outcome::failed);
  }
  const DrainReport report = table.connections.finish_drain();
  CHECK(report.drained == 0);
  CHECK(report.forced == 3);
}

TEST_CASE("the end of a drain leaves nothing of it for the next connections") {
  Table table;
  table.connections.end(table.add(), detail::Outcome::served);
  detail::Connection& drained = table.add();
  table.connections.start_drain();
  table.connections.end(drained, detail::Outcome::served);
  DrainReport report = table.connections.finish_drain();
  CHECK(report.drained == 1);
  CHECK(report.forced == 0);
  detail::Connection& next = table.add();
  table.peers.back()->sendall("served");
  CHECK(next.stream().recv(10) == "served");
  report = table.connections.finish_drain();
  CHECK(report.drained == 0);
  table.connections.end(next, detail::Outcome::served);
}

TEST_CASE("active connections are described by client, age and what they wait for") {
  Table table;
  CHECK(table.described() == "no client");
  detail::Connection& first = table.add();
  detail::Connection& second = table.add();
  second.submitted = true;
  CHECK(table.described() == "192.0.2.1:1 (N s, waits), 192.0.2.1:2 (N s, waits for a worker)");
  first.running = true;
  table.connections.end(second, detail::Outcome::served);
  CHECK(table.described() == "192.0.2.1:1 (N s)");
  table.connections.end(first, detail::Outcome::served);
}
