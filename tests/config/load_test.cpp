#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <socketserver/config/load.hpp>

#include "support/catch.hpp"

using namespace socketserver;
using namespace std::chrono_literals;

namespace {

ConfigError error_of(std::string_view text, const ConfigOverrides& overrides = {}) {
  try {
    (void)parse_config(text, overrides);
  } catch (const ConfigError& error) {
    return error;
  }
  return {{"", "(no error)"}, ""};
}

}  // namespace

TEST_CASE("an empty object is the default configuration") {
  CHECK(to_json(parse_config("{}")) == to_json(ServerConfig{}));
  CHECK(to_json(parse_config(R"({"$schema": "server.schema.json", "listen": {}})")) == to_json(ServerConfig{}));
}

TEST_CASE("the whole document of the documentation is read") {
  const ServerConfig config = parse_config(R"({
    "listen": { "host": "::1", "port": 80, "backlog": 5, "reuse_address": false, "reuse_port": true },
    "socket": { "nodelay": false, "keepalive": true, "receive_buffer": 1000, "send_buffer": 2000,
                "keepalive_idle": 60, "keepalive_interval": 10, "keepalive_count": 3 },
    "concurrency": { "policy": "thread", "threads": 9, "queue": 0, "overflow": "reject", "reject_message": "no\n",
                     "stack_size": 65536 },
    "limits": { "max_connections": 7, "max_line": 100, "read_buffer": 10, "write_buffer": 0 },
    "timeouts": { "idle": 1.5, "read": 2, "write": 3, "lifetime": 1e3, "drain": null, "linger": 0.001 },
    "log": { "level": "debug", "pattern": "{message}", "file": "/tmp/x" },
    "app": { "a": [1, {"b": null}] }
  })");
  CHECK(config.listen[0].host == "::1");
  CHECK(config.listen[0].port == 80);
  CHECK(config.listen[0].backlog == 5);
  CHECK_FALSE(config.listen[0].reuse_address);
  CHECK(config.listen[0].reuse_port);
  CHECK_FALSE(config.socket.nodelay);
  CHECK(config.socket.keepalive);
  CHECK(config.socket.keepalive_idle == std::chrono::seconds(60));
  CHECK(config.socket.keepalive_interval == std::chrono::seconds(10));
  CHECK(config.socket.keepalive_count == 3);
  CHECK(config.socket.receive_buffer == 1000);
  CHECK(config.socket.send_buffer == 2000);
  CHECK(config.concurrency.policy == PolicyKind::thread);
  CHECK(config.concurrency.threads == 9);
  CHECK(config.concurrency.queue == 0);
  CHECK(config.concurrency.overflow == Overflow::reject);
  CHECK(config.concurrency.reject_message == "no\n");
  CHECK(config.concurrency.stack_size == 65536);
  CHECK(config.limits.max_connections == 7);
  CHECK(config.limits.max_line == 100);
  CHECK(config.limits.read_buffer == 10);
  CHECK(config.limits.write_buffer == 0);
  CHECK(config.timeouts.idle == 1500ms);
  CHECK(config.timeouts.lifetime == 1000s);
  CHECK(config.timeouts.drain == std::nullopt);
  CHECK(config.timeouts.linger == 1ms);
  CHECK(config.log.level == LogLevel::debug);
  CHECK(config.log.pattern == "{message}");
  CHECK(config.log.file == "/tmp/x");
  CHECK(config.app == R"({"a":[1,{"b":null}]})");
  CHECK(to_json(parse_config(to_json(config))) == to_json(config));
}

TEST_CASE("a value that cannot be taken is an error with its pointer, what it is and what would do") {
  struct Bad {
    std::string text, pointer, says;
  };
  const auto bad = GENERATE(values<Bad>({
      {"[]", "", "not an object"},
      {"3", "", "not an object"},
      {R"({"listen": 3})", "/listen", "object"},
      {R"({"listen": {"port": 70000}})", "/listen/port", "got 70000; takes a whole number from 0 to 65535"},
      {R"({"listen": {"port": -1}})", "/listen/port", "got -1"},
      {R"({"listen": {"port": 0.5}})", "/listen/port", "got 0.5"},
      {R"({"listen": {"port": "80"}})", "/listen/port", "got \"80\""},
      {R"({"listen": {"port": 1.0005e3}})", "/listen/port", "got 1000.5"},
      {R"({"listen": {"port": null}})", "/listen/port", "got null"},
      {R"({"listen": {"port": 18446744073709551616}})", "/listen/port", "got 1.8446744073709552e+19"},
      {R"({"listen": {"port": []}})", "/listen/port", "an array"},
      {R"({"listen": {"host": null}})", "/listen/host", "takes a string"},
      {R"({"socket": {"nodelay": 1}})", "/socket/nodelay", "takes true or false"},
      {R"({"timeouts": {"idle": -1}})", "/timeouts/idle", "got -1"},
      {R"({"timeouts": {"idle": 0}})", "/timeouts/idle", "0.001"},
      {R"({"timeouts": {"idle": 1e300}})", "/timeouts/idle", "1e+300"},
      {R"({"timeouts": {"idle": "60"}})", "/timeouts/idle", "seconds"},
      {R"({"concurrency": {"policy": "fibre"}})", "/concurrency/policy", "\"pool\""},
      {R"({"concurrency": {"policy": "fibre"}})", "/concurrency/policy", "one of"},
      {R"({"concurrency": {"threads": 0}})", "/concurrency/threads", "from 1"},
      {R"({"log": {"pattern": "{nosuch}"}})", "/log/pattern", "{nosuch}"},
      {R"({"app": 3})", "/app", "takes an object"},
      {R"({"$schema": 3})", "/$schema", "takes a string"},
      {R"({"listen": {"port": 1}, "listen": {}})", "/listen", "twice"},
      {R"({"listen": {"port": 1, "port": 1}})", "/listen/port", "twice"},
      {R"({"app": {"a": [0, {"b": 1, "b": 2}]}})", "/app/a/1/b", "twice"},
      {R"({"app": {"a/b~": {"x": 1, "x": 2}}})", "/app/a~1b~0/x", "twice"},
  }));
  const ConfigError error = error_of(bad.text);
  CAPTURE(bad.text, error.what());
  CHECK(error.pointer() == bad.pointer);
  CHECK(std::string(error.what()).find(bad.says) != std::string::npos);
}

TEST_CASE("an unknown key is an error that names the nearest known one") {
  const auto message = [](std::string_view text) { return std::string(error_of(text).what()); };
  CHECK(message(R"({"listen": {"prot": 1}})") ==
        "<text>: /listen/prot: there is no such key; did you mean /listen/port?");
  CHECK(message(R"({"lisen": {}})") == "<text>: /lisen: there is no such key; did you mean /listen?");
  CHECK(message(R"({"port": 1})") == "<text>: /port: there is no such key; did you mean /listen/port?");
  CHECK(message(R"({"limits": {"idle": 1}})") ==
        "<text>: /limits/idle: there is no such key; did you mean /timeouts/idle?");
  CHECK(message(R"({"listen": {"Port": 1}})").ends_with("/listen/port?"));
  CHECK(message(R"({"xyzzy": 1})") == "<text>: /xyzzy: there is no such key");
  CHECK(message("{\"x\\nyz\": 1}") == "<text>: /x\\nyz: there is no such key");
}

TEST_CASE("overrides replace the document's values, and are checked as they are") {
  const ServerConfig config = parse_config(R"({"listen": {"port": 1, "host": "a"}})",
                                           {{"/listen/port", "2", "--port"}, {"/app", R"({"x":1})", "--set"}});
  CHECK(config.listen[0].port == 2);
  CHECK(config.listen[0].host == "a");
  CHECK(config.app == R"({"x":1})");
  const auto message = [](ConfigOverride change) { return std::string(error_of("{}", {std::move(change)}).what()); };
  CHECK(message({"/listen/port", "70000", "--port"}) ==
        "--port: /listen/port: got 70000; takes a whole number from 0 to 65535");
  CHECK(message({"/listen/prot", "1", "--set"}).ends_with("did you mean /listen/port?"));
  CHECK(message({"/listen/host", "bare", "--set"}).starts_with("--set /listen/host:1:1: not JSON"));
  CHECK(message({"/limits", "{}", "--set"}) == "--set: /limits: a section; set one of its keys");
  CHECK(message({"/app/x", "1", "--set"}) == "--set: /app/x: a part of a key; set it whole");
}

TEST_CASE("a file that cannot be read is an error that names it and the cause") {
  CHECK_THROWS_WITH(load_config("/no/such.json"), "/no/such.json: cannot read: No such file or directory");
  CHECK_THROWS_WITH(load_config("/tmp"), "/tmp: cannot read: Is a directory");
}

TEST_CASE("a file is loaded, and errors in it name it") {
  const std::string path = "/tmp/socketserver_load_test.json";
  std::ofstream(path) << R"({"listen": {"port": 70000}})";
  CHECK_THROWS_WITH(load_config(path), Catch::Matchers::StartsWith(path + ": /listen/port: got 70000"));
  std::ofstream(path) << R"({"listen": {"port": 7}})";
  CHECK(load_config(path).listen[0].port == 7);
  CHECK(load_config(path, {{"/listen/port", "1", "--port"}}).listen[0].port == 1);
  std::remove(path.c_str());
}

TEST_CASE("a whole number may be written with a point or an exponent, as the schema allows") {
  CHECK(parse_config(R"({"listen": {"port": 9998.0}})").listen[0].port == 9998);
  CHECK(parse_config(R"({"listen": {"port": 1e3}})").listen[0].port == 1000);
}
