#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <socketserver/io/reader.hpp>
#include <socketserver/io/writer.hpp>
#include <socketserver/net/connect.hpp>
#include <socketserver/net/kernel_limits.hpp>
#include <socketserver/net/listener_set.hpp>
#include <socketserver/net/lookup.hpp>
#include <socketserver/observe/log.hpp>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/no_threads.hpp"
#include "support/unconnectable.hpp"

using namespace socketserver;
using detail::ListenerSet;
using testing_support::NoThreads;
using namespace std::chrono_literals;
using testing_support::Client;
using testing_support::FullQueue;
using testing_support::Refusing;

namespace {

/// A server, and the plain end of a connection that it accepts.
struct Listening {
  SocketStream accept() {
    acceptor.wait(true, Deadline::after(10s));
    ListenerSet::Accepted accepted = acceptor.accept();
    return SocketStream(std::move(accepted.socket), accepted.peer, {10s, 10s, 10s});
  }
  ListenerSet acceptor{{.host = "127.0.0.1", .port = 0}, {}};
  SocketAddress address = acceptor.address();
};

template <typename Error, typename Call>
std::string text_of_thrown(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  FAIL("nothing was thrown");
  return {};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// @returns the seconds that an error says an address had.
double waited(const std::string& what, const SocketAddress& address) {
  const std::string before = address.to_string() + ": no answer within ";
  REQUIRE(has(what, before));
  return std::stod(what.substr(what.find(before) + before.size()));
}

SocketStream connect_to(const SocketAddress& address, const ConnectOptions& options = {}) {
  return create_connection(address.host(), address.port(), options);
}

/// The kernel gives up after 3 s: longer than every connect timeout here, and independent of it.
const ConnectOptions kOnlyTheKernel{.connect_timeout = std::nullopt, .syn_retries = 1};

/// How a connect to addresses that do not answer ended.
struct Unanswered {
  std::string what;
  std::chrono::duration<double> took{};
};
Unanswered not_answered(const std::vector<SocketAddress>& addresses, const ConnectOptions& options) {
  const TimePoint before = steady_clock().now();
  std::string what = text_of_thrown<TimeoutError>([&] { (void)create_connection(addresses, options); });
  return {std::move(what), steady_clock().now() - before};
}
/// The same, on a thread of its own.
std::future<Unanswered> not_answered_meanwhile(const std::vector<SocketAddress>& addresses, ConnectOptions options) {
  return std::async(std::launch::async, [addresses, options] { return not_answered(addresses, options); });
}

int option_of(const SocketStream& stream, int level, int name) {
  return get_option(stream.native_handle(), level, name).value_or(-1);
}

}  // namespace

TEST_CASE("a connect that is not answered ends at connect_timeout, not earlier, and says so") {
  const FullQueue full;
  auto longer = not_answered_meanwhile({full.address}, kOnlyTheKernel);
  const auto [what, took] = not_answered({full.address}, {.connect_timeout = 500ms});
  CHECK(took >= 500ms);
  CHECK(took < longer.get().took);
  CHECK(has(what, "within the connect timeout of 0.5 s"));
  CHECK(waited(what, full.address) >= 0.499);  // rounded to milliseconds
  CHECK(waited(what, full.address) <= took.count() + 0.001);
}

TEST_CASE("without a connect_timeout the kernel gives up when connect_timeout() says") {
  const FullQueue full;
  const auto linear = kernel_limits().tcp_syn_linear_timeouts.value_or(0);
  auto second = not_answered_meanwhile({full.address}, {.connect_timeout = std::nullopt, .syn_retries = 2});
  const auto [what, took] = not_answered({full.address}, kOnlyTheKernel);
  const auto took_second = second.get().took;
  const auto expected = [linear](int retries) {
    return std::chrono::duration<double>(connect_timeout(retries, linear));
  };
  CHECK(took >= expected(1) * 0.95);
  CHECK(took_second >= expected(2) * 0.95);
  CHECK(took_second - took > expected(1) * 0.95);  // one retry more is another 4 s, so neither is far too long
  CHECK(has(what, "the kernel gave up (SYN retries: 1)"));
  CHECK_FALSE(has(what, "connect timeout"));
}

TEST_CASE("two addresses share the connect timeout, and the first is waited for until its end") {
  const FullQueue first;
  const FullQueue second;
  auto longer = not_answered_meanwhile({first.address}, kOnlyTheKernel);
  const auto [what, took] = not_answered({first.address, second.address}, {.connect_timeout = 1s});
  CHECK(took >= 1s);
  CHECK(took < longer.get().took);
  CHECK(has(what, "within the connect timeout of 1 s"));
  CHECK(waited(what, first.address) >= 0.999);
  CHECK(waited(what, second.address) <= waited(what, first.address) - 0.45);  // what the first one left
}

TEST_CASE("an address that is refused at once gives its time back to the one before") {
  const FullQueue full;
  const Refusing refusing;
  const TimePoint before = steady_clock().now();
  const std::string what = text_of_thrown<TimeoutError>([&] {
    (void)create_connection({full.address, refusing.address}, {.connect_timeout = 600ms});
  });
  CHECK(steady_clock().now() - before >= 600ms);  // it was 300 ms
  CHECK(has(what, "within the connect timeout of 0.6 s"));
  CHECK(waited(what, full.address) >= 0.599);
  CHECK(has(what, refusing.address.to_string() + ": Connection refused"));
}

TEST_CASE("a server that has room again before the connect timeout is connected, though its share was over") {
  const FullQueue dead;
  const Refusing refusing;
  for (const SocketAddress& other : {refusing.address, dead.address}) {
    FullQueue full;
    auto peer = std::async(std::launch::async, [&full, &other] {
      return create_connection({full.address, other}, {.connect_timeout = 4s}).peer_address();
    });
    // Its share is 2 s; the kernel's next SYN comes after 3 s.
    CHECK(peer.wait_for(2100ms) == std::future_status::timeout);
    full.make_room();
    CHECK(peer.get() == full.address);
  }
}

TEST_CASE("a late address is given up where the next one needs its source port") {
  const FullQueue full;
  Listening alive;
  const std::uint16_t port = Refusing().address.port();
  const SocketStream stream = create_connection({full.address, alive.address},
                                                {.connect_timeout = 400ms, .bind = SourceAddress("127.0.0.1", port)});
  CHECK(stream.local_address().port() == port);
}

TEST_CASE("without a thread for the resolver the error names the target") {
  const NoThreads none;
  const std::string what = text_of_thrown<StreamError>([] { (void)create_connection("no.such.host.invalid", 80); });
  CHECK(has(what, "cannot connect to no.such.host.invalid:80: no thread to look the name up"));
}

TEST_CASE("a source without a port gets its port from connect") {
  Listening server;
  CHECK(option_of(connect_to(server.address, {.bind = "127.0.0.2"}), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) == 1);
  const std::uint16_t port = Refusing().address.port();
  const ConnectOptions options{.reuse_address = true, .bind = SourceAddress("127.0.0.1", port)};
  CHECK(option_of(connect_to(server.address, options), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) == 0);
}

TEST_CASE("a dead address leaves time for the next one") {
  const FullQueue dead;
  Listening alive;
  const SocketStream stream = create_connection({dead.address, alive.address}, {.connect_timeout = 400ms});
  CHECK(stream.peer_address() == alive.address);
}

TEST_CASE("an address that refuses is followed by the next one") {
  const Refusing refusing;
  Listening alive;
  CHECK(create_connection({refusing.address, alive.address}).peer_address() == alive.address);
}

TEST_CASE("when no address can be connected, each is named with its cause") {
  const Refusing first;
  const Refusing second;
  try {
    (void)create_connection({first.address, second.address});
    FAIL("no exception");
  } catch (const TimeoutError&) {
    FAIL("a timeout");
  } catch (const StreamError& error) {
    CHECK(error.code() == std::errc::connection_refused);
    CHECK(has(error.what(), first.address.to_string() + ": Connection refused; "));
    CHECK(has(error.what(), second.address.to_string() + ": Connection refused"));
  }
  const std::string what =
      text_of_thrown<StreamError>([&] { (void)create_connection("localhost", first.address.port()); });
  CHECK(has(what, "localhost:" + std::to_string(first.address.port())));
  CHECK(has(what, first.address.to_string() + ": Connection refused; [::1]:"));
}

TEST_CASE("one refused address is named once") {
  const Refusing refusing;
  CHECK(text_of_thrown<StreamError>([&] { (void)connect_to(refusing.address); }) ==
        "cannot connect to " + refusing.address.to_string() + ": Connection refused");
}

TEST_CASE("no address and port 0 are refused without a try") {
  CHECK_THROWS_AS(create_connection(std::vector<SocketAddress>{}), StreamError);
  const std::string what = text_of_thrown<StreamError>([] { (void)create_connection("127.0.0.1", 0); });
  CHECK(has(what, "127.0.0.1:0"));
}

TEST_CASE("text that is no host is an error that shows it on one line") {
  const std::string nul("127.0.0.1\0.example", 18);
  for (const std::string& host : {std::string(), nul, std::string("two words"), std::string("a\n\x1b[2Jb"),
                                  std::string(5000, 'a'), std::string("256.1.1.1.1"), std::string("::1::2")}) {
    const std::string what = text_of_thrown<StreamError>([&] { (void)create_connection(host, 80); });
    CHECK(has(what, "cannot connect to "));
    CHECK(what.find_first_of(std::string("\0\n\x1b", 3)) == std::string::npos);
    CHECK(what.size() < 1000);
  }
}

TEST_CASE("a name that has no address is an error that names it") {
  const std::string what = text_of_thrown<StreamError>([] { (void)create_connection("no.such.host.invalid", 80); });
  CHECK(has(what, "cannot connect to no.such.host.invalid:80"));
}

TEST_CASE("a socket that meets itself was refused") {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const std::uint16_t port = Refusing().address.port();  // free again
    const ConnectOptions options{.reuse_address = true, .bind = SourceAddress("127.0.0.1", port)};
    try {
      (void)create_connection("127.0.0.1", port, options);
      FAIL("connected");
    } catch (const StreamError& error) {
      CHECK(error.code() == std::errc::connection_refused);
    }
  }
}

TEST_CASE("the options reach the socket") {
  Listening server;
  const SocketStream plain = connect_to(server.address);
  CHECK(option_of(plain, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option_of(plain, SOL_SOCKET, SO_REUSEADDR) == 0);
  CHECK((::fcntl(plain.native_handle(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((::fcntl(plain.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);

  const SocketStream tuned = connect_to(server.address, {.connect_timeout = 5s,
                                                         .io_timeout = 7s,
                                                         .syn_retries = 3,
                                                         .reuse_address = true,
                                                         .nodelay = false,
                                                         .receive_buffer = 8192,
                                                         .send_buffer = 9000,
                                                         .bind = "127.0.0.2"});
  CHECK(option_of(tuned, IPPROTO_TCP, TCP_SYNCNT) == 3);
  CHECK(option_of(tuned, SOL_SOCKET, SO_REUSEADDR) == 1);
  CHECK(option_of(tuned, IPPROTO_TCP, TCP_NODELAY) == 0);
  CHECK(option_of(tuned, SOL_SOCKET, SO_RCVBUF) == 2 * 8192);
  CHECK(option_of(tuned, SOL_SOCKET, SO_SNDBUF) == 2 * 9000);
  CHECK(tuned.local_address().host() == "127.0.0.2");
  CHECK(tuned.timeouts().idle == 7s);
  CHECK(tuned.timeouts().read == 7s);
  CHECK(tuned.timeouts().write == 7s);
}

TEST_CASE("a source port is taken, and a source that cannot be is named") {
  Listening server;
  const std::uint16_t port = Refusing().address.port();
  const SocketStream stream =
      connect_to(server.address, {.reuse_address = true, .bind = SourceAddress("127.0.0.1", port)});
  CHECK(stream.local_address().port() == port);
  for (const char* source : {"192.0.2.1", "::1", "no.such.host.invalid"}) {
    CHECK_THROWS_AS(connect_to(server.address, {.bind = source}), StreamError);
  }
  CHECK(has(text_of_thrown<StreamError>([&] { (void)connect_to(server.address, {.bind = "192.0.2.1"}); }),
            "bind to 192.0.2.1"));
  CHECK(has(text_of_thrown<StreamError>([&] { (void)connect_to(server.address, {.bind = "no.such.host.invalid"}); }),
            "bind to no.such.host.invalid"));
}

TEST_CASE("a number of SYN retries that the kernel does not take is an error") {
  Listening server;
  for (const int retries : {0, 128, -1}) {
    const std::string what =
        text_of_thrown<StreamError>([&] { (void)connect_to(server.address, {.syn_retries = retries}); });
    CHECK(has(what, "TCP_SYNCNT"));
  }
}

TEST_CASE("io_timeout bounds the stream's waits, and by default something does") {
  Listening server;
  SocketStream stream = connect_to(server.address, {.io_timeout = 30ms});
  const TimePoint before = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(stream.recv(1), TimeoutError);
  CHECK(std::chrono::steady_clock::now() - before >= 30ms);
  CHECK(connect_to(server.address).timeouts().read == 30s);
  CHECK_FALSE(connect_to(server.address, {.io_timeout = std::nullopt}).timeouts().idle);
}

TEST_CASE("Reader and Writer work on a client's stream") {
  Listening server;
  SocketStream stream = connect_to(server.address);
  SocketStream other = server.accept();
  Reader reader(stream);
  Writer writer(stream);
  writer << "one\n"
         << "two\n";
  other.sendall("answer\n");
  CHECK(reader.readline() == "answer\n");  // the writer is flushed before the wait
  CHECK(other.recv(100) == "one\ntwo\n");
  other.shutdown(ShutdownHow::write);
  CHECK_FALSE(reader.readline());
}

TEST_CASE("at debug a client says what was asked, what the kernel gave, and what went through") {
  const std::string path = std::filesystem::temp_directory_path() / ("connect_" + std::to_string(::getpid()) + ".log");
  Listening server;
  const Refusing refusing;
  for (const LogLevel level : {LogLevel::debug, LogLevel::info}) {
    Logger log({.level = level, .pattern = "{message}", .file = path});
    SocketStream stream =
        create_connection({refusing.address, server.address}, {.syn_retries = 2, .receive_buffer = 8192, .log = &log});
    SocketStream other = server.accept();
    stream.sendall("ping\x1b\n");
    other.sendall("pong" + std::string(5000, 'x'));
    (void)stream.recv(4);
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::filesystem::remove(path);
    CAPTURE(text);
    if (level == LogLevel::info) {
      CHECK(text.empty());
      continue;
    }
    const std::string to = server.address.to_string() + ": ";
    for (const std::string& line :
         {std::string(": connect timeout 10 s, I/O timeout 30 s\n"),
          refusing.address.to_string() + ": Connection refused\n", to + "reuse_address no, nodelay yes\n",
          to + "SYN retries: 2, so the kernel gives up after 7 s (",
          to + "receive buffer: asked 8192, granted 16384 bytes (rmem_max ",
          to + "send buffer: the kernel's choice, from ", to + "connected from " + stream.local_address().to_string(),
          to + "sent 6 bytes: ping\\x1b\\n\n", to + "received 4 bytes: pong\n"}) {
      CHECK(has(text, line));
    }
  }
}

namespace {

/// A resolver that answers on request. It is shared with the look-ups' threads, which may outlive a test case.
struct SlowResolver {
  std::promise<void> answer;
  std::shared_future<void> told = answer.get_future().share();
};

detail::Resolver slow_look_ups(const std::shared_ptr<SlowResolver>& slow) {
  return {1, [slow](const std::string& name, std::uint16_t port) {
            if (name == "slow") slow->told.wait();
            if (name == "throws") throw std::bad_alloc();
            return detail::look_up("127.0.0.1", port, AI_NUMERICHOST);
          }};
}

}  // namespace

TEST_CASE("a resolver that hangs holds its caller up no longer than the deadline") {
  const auto slow = std::make_shared<SlowResolver>();
  detail::Resolver look_ups = slow_look_ups(slow);
  const Deadline deadline = Deadline::after(30ms);
  const detail::ResolveResult found = look_ups.find("slow", 1, deadline);
  CHECK(deadline.expired());
  CHECK(found.error == std::errc::timed_out);
  CHECK(found.overdue == "the resolver has not answered");

  // It is still under way, and there may be one.
  CHECK(look_ups.find("fast", 1, Deadline::after(30ms)).overdue == "too many names are looked up");
  auto waiting = std::async(std::launch::async, [&look_ups] { return look_ups.find("fast", 1, Deadline::after(60s)); });
  slow->answer.set_value();
  CHECK(waiting.get().addresses.at(0).to_string() == "127.0.0.1:1");
  CHECK(look_ups.find("throws", 1, Deadline::never()).error == std::errc::not_enough_memory);
}

TEST_CASE("callers who ask for one name share one look-up, and a name that hangs takes one place") {
  const auto slow = std::make_shared<SlowResolver>();
  std::atomic<int> asked{0};
  detail::Resolver look_ups(2, [slow, &asked](const std::string& name, std::uint16_t port) {
    ++asked;
    if (name == "slow") slow->told.wait();
    return detail::look_up("127.0.0.1", port, AI_NUMERICHOST);
  });
  for (int i = 0; i < 16; ++i) {
    const char* spelled = i % 3 == 0 ? "slow" : i % 3 == 1 ? "SLOW" : "Slow.";
    CHECK(look_ups.find(spelled, 1, Deadline::after(1ms)).overdue == "the resolver has not answered");
  }
  CHECK(asked == 1);
  CHECK_FALSE(look_ups.find("fast", 1, Deadline::after(60s)).error);
  auto waiting = std::async(std::launch::async, [&look_ups] { return look_ups.find("slow", 1, Deadline::after(60s)); });
  slow->answer.set_value();
  CHECK(waiting.get().addresses.at(0).to_string() == "127.0.0.1:1");
}

TEST_CASE("hanging names of one domain keep places for the names of others") {
  const auto slow = std::make_shared<SlowResolver>();
  detail::Resolver look_ups(16, [slow](const std::string& name, std::uint16_t port) {
    if (name.ends_with("bad.test") || name.ends_with("BAD.test.")) slow->told.wait();
    return detail::look_up("127.0.0.1", port, AI_NUMERICHOST);
  });
  std::size_t under_way = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string name = std::to_string(i) + (i % 2 == 0 ? ".bad.test" : ".x.BAD.test.");
    if (look_ups.find(name, 1, Deadline::after(1ms)).overdue == "the resolver has not answered") ++under_way;
  }
  CHECK(under_way == 8);
  for (const char* name : {"good.test", "bad.other", "a.b.bad.example", "intranet"}) {
    CHECK_FALSE(look_ups.find(name, 1, Deadline::after(60s)).error);
  }
  slow->answer.set_value();
  CHECK_FALSE(look_ups.find("21.bad.test", 1, Deadline::after(60s)).error);
}

TEST_CASE("a star is no host to connect to") {
  CHECK(detail::resolve_host("*", 7, Deadline::after(0s)).error);  // getaddrinfo takes it for any address
}

TEST_CASE("a look-up may outlive the caller that asked for it") {
  const auto slow = std::make_shared<SlowResolver>();
  {
    detail::Resolver look_ups = slow_look_ups(slow);
    CHECK_FALSE(look_ups.find("slow", 1, Deadline::after(1ms)).overdue.empty());
  }
  slow->answer.set_value();
}

TEST_CASE("localhost is the loopback, IPv4 first, without the resolver") {
  const detail::ResolveResult found = detail::resolve_host("localhost", 7, Deadline::after(0s));
  REQUIRE(found.addresses.size() == 2);
  CHECK(found.addresses[0].to_string() == "127.0.0.1:7");
  CHECK(found.addresses[1].to_string() == "[::1]:7");
}

TEST_CASE("a host is looked up apart from connecting, so that addresses can be left out") {
  const std::vector<SocketAddress> found = resolve("localhost", 7, Deadline::after(10s));
  REQUIRE(found.size() == 2);
  CHECK(found[1].to_string() == "[::1]:7");
  CHECK(resolve("127.0.0.1", 80, Deadline::after(10s)).at(0).to_string() == "127.0.0.1:80");
  CHECK_THROWS_AS(resolve("*", 7, Deadline::after(10s)), StreamError);
}
