// One include gives a server's author every public name.

#include <socketserver/socketserver.hpp>
#include <type_traits>

#include "support/catch.hpp"

using namespace socketserver;

static_assert(std::is_base_of_v<BaseServer, TCPServer<UpperCaseHandler>>);
static_assert(std::is_base_of_v<BaseServer, ThreadingTCPServer<EchoHandler>>);
static_assert(std::is_base_of_v<BaseServer, PoolTCPServer<RawUpperCaseHandler>>);
static_assert(std::is_base_of_v<BaseServer, InlineTCPServer<EchoHandler>>);
static_assert(std::is_base_of_v<BaseRequestHandler, StreamRequestHandler>);
static_assert(std::is_base_of_v<StreamError, TimeoutError>);
static_assert(std::is_base_of_v<StreamError, LineTooLong>);
static_assert(std::is_base_of_v<std::runtime_error, ConfigError>);

TEST_CASE("socketserver.hpp declares what the documents name") {
  CHECK(parse_config("{}").listen[0].port == 9999);
  CHECK(upper(strip(" x ")) == "X");
  [[maybe_unused]] int (*const main_function)(int, char**) = &serve_main<EchoHandler>;
  [[maybe_unused]] ServerConfig (*const load)(const std::string&, const ConfigOverrides&) = &load_config;
  CHECK(DrainReport{}.forced == 0);
  CHECK(ServerStats{}.accepted == 0);
}
