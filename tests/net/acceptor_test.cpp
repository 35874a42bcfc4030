#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <filesystem>
#include <socketserver/net/acceptor.hpp>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/eventually.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::Client;
using testing_support::eventually;

namespace {

const ListenOptions kLocal{.host = "127.0.0.1", .port = 0};
const Deadline kSoon = Deadline::at(TimePoint::min());

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

Acceptor::Accepted accept_next(Acceptor& acceptor) {
  REQUIRE(acceptor.wait(true, Deadline::after(10s)) == Acceptor::Event::connection);
  return acceptor.accept();
}

std::error_code accept_without_descriptors(Acceptor& acceptor) {
  std::vector<FileDescriptor> hoard;
  rlimit old{};
  ::getrlimit(RLIMIT_NOFILE, &old);
  const rlimit few{.rlim_cur = 64, .rlim_max = old.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) hoard.emplace_back(fd);
  const std::error_code error = acceptor.accept().error;
  ::setrlimit(RLIMIT_NOFILE, &old);
  return error;
}

}  // namespace

TEST_CASE("port 0 becomes the port that the kernel chose") {
  const Acceptor acceptor(kLocal, {});
  CHECK(acceptor.address().host() == "127.0.0.1");
  CHECK(acceptor.address().port() != 0);
}

TEST_CASE("accept gives the connection and its peer, and says when there is none") {
  Acceptor acceptor(kLocal, {});
  CHECK(acceptor.accept().error == std::errc::operation_would_block);
  const Client client(acceptor.address());
  const Acceptor::Accepted accepted = accept_next(acceptor);
  CHECK_FALSE(accepted.error);
  CHECK(accepted.peer == local_address(client.native_handle()));
}

TEST_CASE("no descriptor of an acceptor, nor a connection's, is inherited by a program that is started") {
  const auto inherited = [] {
    std::vector<int> found;
    for (int fd = 3; fd < 1024; ++fd) {
      const int flags = ::fcntl(fd, F_GETFD);
      if (flags >= 0 && (flags & FD_CLOEXEC) == 0) found.push_back(fd);
    }
    return found;
  };
  const std::vector<int> before = inherited();
  Acceptor acceptor(kLocal, {});
  const Client client(acceptor.address());
  const Acceptor::Accepted accepted = accept_next(acceptor);
  REQUIRE_FALSE(accepted.error);
  CHECK(inherited() == before);
}

TEST_CASE("one socket on any address takes IPv4 and IPv6") {
  Acceptor acceptor({.host = "", .port = 0}, {});
  for (const char* host : {"127.0.0.1", "::1"}) {
    const Client client(resolve_listen(host, acceptor.address().port()).at(0));
    CHECK(accept_next(acceptor).peer.host() == host);
  }
}

TEST_CASE("a wake-up ends the wait under way or the next one, once") {
  Acceptor acceptor(kLocal, {});
  acceptor.wake();
  acceptor.wake();
  CHECK(acceptor.wait(true, Deadline::never()) == Acceptor::Event::woken);
  CHECK(acceptor.wait(true, kSoon) == Acceptor::Event::timeout);
}

TEST_CASE("a wait that is not for connections does not see them") {
  Acceptor acceptor(kLocal, {});
  const Client client(acceptor.address());
  CHECK(acceptor.wait(true, Deadline::after(10s)) == Acceptor::Event::connection);
  CHECK(acceptor.wait(false, kSoon) == Acceptor::Event::timeout);
}

TEST_CASE("an address that is taken is an error that names it") {
  const Acceptor first(kLocal, {});
  try {
    const Acceptor second({.host = "127.0.0.1", .port = first.address().port()}, {});
    FAIL("no exception");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::address_in_use);
    CHECK(std::string(error.what()).find(first.address().to_string()) != std::string::npos);
  }
}

TEST_CASE("a name's next address is not tried where the first is in use") {
  const Acceptor first({.host = "localhost", .port = 0}, {});
  const ListenOptions same{.host = "localhost", .port = first.address().port()};
  CHECK_THROWS_AS(Acceptor(same, {}), std::system_error);  // it would listen on [::1]
}

TEST_CASE("any address is not IPv4 alone where the port is in use for IPv6") {
  FileDescriptor other(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(other);
  set_option(other.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  REQUIRE(::bind(other.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  REQUIRE(::listen(other.get(), 1) == 0);
  CHECK_THROWS_AS(Acceptor({.host = "", .port = local_address(other.get()).port()}, {}), std::system_error);
}

TEST_CASE("1024 failed binds leak no descriptor") {
  const Acceptor first(kLocal, {});
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 1024; ++i) {
    CHECK_THROWS_AS(Acceptor({.host = "127.0.0.1", .port = first.address().port()}, {}), std::system_error);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("reuse_port lets two share a port, its absence does not") {
  const Acceptor first({.host = "127.0.0.1", .port = 0, .reuse_port = true}, {});
  const std::uint16_t port = first.address().port();
  CHECK_NOTHROW(Acceptor({.host = "127.0.0.1", .port = port, .reuse_port = true}, {}));
  CHECK_THROWS_AS(Acceptor({.host = "127.0.0.1", .port = port}, {}), std::system_error);
}

TEST_CASE("reuse_address takes a port whose old connections are in TIME_WAIT") {
  std::uint16_t port = 0;
  {
    Acceptor acceptor(kLocal, {});
    port = acceptor.address().port();
    Client client(acceptor.address());
    { const Acceptor::Accepted closed_first = accept_next(acceptor); }
    CHECK(client.recv().empty());
  }
  CHECK_THROWS_AS(Acceptor({.host = "127.0.0.1", .port = port, .reuse_address = false}, {}), std::system_error);
  CHECK_NOTHROW(Acceptor({.host = "127.0.0.1", .port = port}, {}));
}

TEST_CASE("connections inherit the options of their listening socket") {
  for (const bool on : {true, false}) {
    Acceptor acceptor(kLocal, {.nodelay = on,
                               .keepalive = on,
                               .receive_buffer = 20000,
                               .send_buffer = 30000,
                               .keepalive_idle = 77s,
                               .keepalive_interval = 8s,
                               .keepalive_count = 4});
    const Client client(acceptor.address());
    const int fd = accept_next(acceptor).socket.release();
    const FileDescriptor owner(fd);
    CHECK((get_option(fd, IPPROTO_TCP, TCP_NODELAY) != 0) == on);
    CHECK((get_option(fd, SOL_SOCKET, SO_KEEPALIVE) != 0) == on);
    CHECK(get_option(fd, SOL_SOCKET, SO_RCVBUF) == 40000);
    CHECK(get_option(fd, SOL_SOCKET, SO_SNDBUF) == 60000);
    CHECK(get_option(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 77);
    CHECK(get_option(fd, IPPROTO_TCP, TCP_KEEPINTVL) == 8);
    CHECK(get_option(fd, IPPROTO_TCP, TCP_KEEPCNT) == 4);
  }
}

TEST_CASE("after refuse_new what had connected is accepted and nothing new arrives") {
  Acceptor acceptor(kLocal, {});
  const Client first(acceptor.address());
  const Client second(acceptor.address());
  REQUIRE(eventually([&acceptor] { return acceptor.waiting() == 2; }));
  acceptor.refuse_new();
  const FileDescriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  CHECK(::connect(late.get(), acceptor.address().data(), acceptor.address().size()) != 0);
  CHECK(errno == EINPROGRESS);
  CHECK_FALSE(acceptor.accept().error);
  CHECK_FALSE(acceptor.accept().error);
  CHECK(acceptor.accept().error == std::errc::operation_would_block);
}

TEST_CASE("after close connections are refused, after reopen taken at the same address") {
  Acceptor acceptor(kLocal, {});
  const SocketAddress address = acceptor.address();
  acceptor.close();
  CHECK_THROWS_AS(Client(address), std::system_error);
  acceptor.reopen();
  CHECK(acceptor.address() == address);
  const Client client(address);
  CHECK_FALSE(accept_next(acceptor).error);
}

TEST_CASE("accept errors are of three kinds") {
  const auto kind = [](int code) { return classify_accept_error({code, std::generic_category()}); };
  for (const int code : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) CHECK(kind(code) == AcceptError::resource);
  for (const int code : {ECONNABORTED, EINTR, EPROTO, ENETDOWN, EHOSTUNREACH, EPERM, EAGAIN}) {
    CHECK(kind(code) == AcceptError::transient);
  }
  for (const int code : {EBADF, EINVAL, ENOTSOCK}) CHECK(kind(code) == AcceptError::fatal);
}

TEST_CASE("without descriptors a connection is turned away instead of left hanging") {
  Acceptor acceptor(kLocal, {});
  Client client(acceptor.address());
  REQUIRE(acceptor.wait(true, Deadline::after(10s)) == Acceptor::Event::connection);
  CHECK(accept_without_descriptors(acceptor) == std::errc::too_many_files_open);
  CHECK(client.recv().empty());
}

TEST_CASE("after refuse_new a lack of descriptors loses none of the connections that had arrived") {
  Acceptor acceptor(kLocal, {});
  const Client first(acceptor.address());
  const Client second(acceptor.address());
  const Client third(acceptor.address());
  REQUIRE(eventually([&acceptor] { return acceptor.waiting() == 3; }));
  acceptor.refuse_new();
  CHECK_FALSE(accept_without_descriptors(acceptor));  // takes the spare one
  for (int i = 0; i < 3; ++i) CHECK(accept_without_descriptors(acceptor) == std::errc::too_many_files_open);
  CHECK(acceptor.waiting() == 2);
  for (int i = 0; i < 2; ++i) CHECK_FALSE(acceptor.accept().error);
  CHECK(acceptor.accept().error == std::errc::operation_would_block);
}
