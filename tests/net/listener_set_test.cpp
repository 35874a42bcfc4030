#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <filesystem>
#include <socketserver/net/accept_error.hpp>
#include <socketserver/net/listener_set.hpp>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/eventually.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using detail::AcceptError;
using detail::classify_accept_error;
using detail::ListenerSet;
using testing_support::Client;
using testing_support::eventually;

namespace {

const ListenOptions kLocal{.host = "127.0.0.1", .port = 0};
const Deadline kSoon = Deadline::at(TimePoint::min());

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

ListenerSet::Accepted accept_next(ListenerSet& acceptor) {
  REQUIRE(acceptor.wait(true, Deadline::after(10s)) == ListenerSet::Event::connection);
  return acceptor.accept();
}

std::error_code accept_without_descriptors(ListenerSet& acceptor) {
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
  const ListenerSet acceptor(kLocal, {});
  CHECK(acceptor.address().host() == "127.0.0.1");
  CHECK(acceptor.address().port() != 0);
}

TEST_CASE("accept gives the connection and its peer, and says when there is none") {
  ListenerSet acceptor(kLocal, {});
  CHECK(acceptor.accept().error == std::errc::operation_would_block);
  const Client client(acceptor.address());
  const ListenerSet::Accepted accepted = accept_next(acceptor);
  CHECK_FALSE(accepted.error);
  CHECK(accepted.peer == local_address(client.native_handle()));
}

TEST_CASE("no descriptor of a listener, nor a connection's, is inherited by a program that is started") {
  const auto inherited = [] {
    std::vector<int> found;
    for (int fd = 3; fd < 1024; ++fd) {
      const int flags = ::fcntl(fd, F_GETFD);
      if (flags >= 0 && (flags & FD_CLOEXEC) == 0) found.push_back(fd);
    }
    return found;
  };
  const std::vector<int> before = inherited();
  ListenerSet acceptor(kLocal, {});
  const Client client(acceptor.address());
  const ListenerSet::Accepted accepted = accept_next(acceptor);
  REQUIRE_FALSE(accepted.error);
  CHECK(inherited() == before);
}

TEST_CASE("one socket on any address takes IPv4 and IPv6") {
  ListenerSet acceptor({.host = "", .port = 0}, {});
  for (const char* host : {"127.0.0.1", "::1"}) {
    const Client client(resolve_listen(host, acceptor.address().port()).at(0));
    CHECK(accept_next(acceptor).peer.host() == host);
  }
}

TEST_CASE("a wake-up ends the wait under way or the next one, once") {
  ListenerSet acceptor(kLocal, {});
  acceptor.wake();
  acceptor.wake();
  CHECK(acceptor.wait(true, Deadline::never()) == ListenerSet::Event::woken);
  CHECK(acceptor.wait(true, kSoon) == ListenerSet::Event::timeout);
}

TEST_CASE("a wait that is not for connections does not see them") {
  ListenerSet acceptor(kLocal, {});
  const Client client(acceptor.address());
  CHECK(acceptor.wait(true, Deadline::after(10s)) == ListenerSet::Event::connection);
  CHECK(acceptor.wait(false, kSoon) == ListenerSet::Event::timeout);
}

TEST_CASE("an address that is taken is an error that names it") {
  const ListenerSet first(kLocal, {});
  try {
    const ListenerSet second({.host = "127.0.0.1", .port = first.address().port()}, {});
    FAIL("no exception");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::address_in_use);
    CHECK(std::string(error.what()).find(first.address().to_string()) != std::string::npos);
  }
}

TEST_CASE("a name's next address is not tried where the first is in use") {
  const ListenerSet first({.host = "localhost", .port = 0}, {});
  const ListenOptions same{.host = "localhost", .port = first.address().port()};
  CHECK_THROWS_AS(ListenerSet(same, {}), std::system_error);  // it would listen on [::1]
}

TEST_CASE("any address is not IPv4 alone where the port is in use for IPv6") {
  FileDescriptor other(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(other);
  set_option(other.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  REQUIRE(::bind(other.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  REQUIRE(::listen(other.get(), 1) == 0);
  CHECK_THROWS_AS(ListenerSet({.host = "", .port = local_address(other.get()).port()}, {}), std::system_error);
}

TEST_CASE("1024 failed binds leak no descriptor") {
  const ListenerSet first(kLocal, {});
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 1024; ++i) {
    CHECK_THROWS_AS(ListenerSet({.host = "127.0.0.1", .port = first.address().port()}, {}), std::system_error);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("reuse_port lets two share a port, its absence does not") {
  const ListenerSet first({.host = "127.0.0.1", .port = 0, .reuse_port = true}, {});
  const std::uint16_t port = first.address().port();
  CHECK_NOTHROW(ListenerSet({.host = "127.0.0.1", .port = port, .reuse_port = true}, {}));
  CHECK_THROWS_AS(ListenerSet({.host = "127.0.0.1", .port = port}, {}), std::system_error);
}

TEST_CASE("reuse_address takes a port whose old connections are in TIME_WAIT") {
  std::uint16_t port = 0;
  {
    ListenerSet acceptor(kLocal, {});
    port = acceptor.address().port();
    Client client(acceptor.address());
    { const ListenerSet::Accepted closed_first = accept_next(acceptor); }
    CHECK(client.recv().empty());
  }
  CHECK_THROWS_AS(ListenerSet({.host = "127.0.0.1", .port = port, .reuse_address = false}, {}), std::system_error);
  CHECK_NOTHROW(ListenerSet({.host = "127.0.0.1", .port = port}, {}));
}

TEST_CASE("connections inherit the options of their listening socket") {
  for (const bool on : {true, false}) {
    ListenerSet acceptor(kLocal, {.nodelay = on,
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
  ListenerSet acceptor(kLocal, {});
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
  ListenerSet acceptor(kLocal, {});
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
  ListenerSet acceptor(kLocal, {});
  Client client(acceptor.address());
  REQUIRE(acceptor.wait(true, Deadline::after(10s)) == ListenerSet::Event::connection);
  CHECK(accept_without_descriptors(acceptor) == std::errc::too_many_files_open);
  CHECK(client.recv().empty());
}

TEST_CASE("after refuse_new a lack of descriptors loses none of the connections that had arrived") {
  ListenerSet acceptor(kLocal, {});
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

TEST_CASE("a wait ends with a client of any listener, and each is accepted from in turn") {
  ListenerSet set({kLocal, kLocal, kLocal}, {});
  REQUIRE(set.addresses().size() == 3);
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(set.addresses()[1]);  // a busy one
  REQUIRE(eventually([&set] { return set.waiting() == 4; }));
  clients.emplace_back(set.addresses()[2]);
  REQUIRE(eventually([&set] { return set.waiting() == 5; }));
  CHECK(set.wait(true, Deadline::after(10s)) == ListenerSet::Event::connection);
  std::vector<std::size_t> order;
  for (ListenerSet::Accepted next = set.accept(); !next.error; next = set.accept()) order.push_back(next.listener);
  CHECK(order == std::vector<std::size_t>{1, 2, 1, 1, 1});
}

TEST_CASE("all listeners are bound, or none, and the error names the entry") {
  const ListenerSet taken(kLocal, {});
  ListenOptions in_use = kLocal;
  in_use.port = taken.address().port();
  ListenOptions first = kLocal;
  {
    const ListenerSet probe(kLocal, {});
    first.port = probe.address().port();
  }
  CHECK_THROWS_WITH(ListenerSet({first, in_use}, {}),
                    "/listen/1/port: cannot listen on " + taken.address().to_string() + ": Address already in use");
  CHECK_THROWS_AS(Client(resolve_listen("127.0.0.1", first.port).at(0)), std::system_error);
  CHECK_THROWS_WITH(ListenerSet({kLocal, {.path = "/no/such/folder/s"}}, {}),
                    "/listen/1/path: cannot listen on unix:/no/such/folder/s: No such file or directory");
  CHECK_THROWS_AS(ListenerSet(std::vector<ListenOptions>{}, {}), std::invalid_argument);
}

TEST_CASE("short of descriptors, a client of any listener is turned away") {
  ListenerSet set({kLocal, kLocal}, {});
  Client first(set.addresses()[0]);
  Client second(set.addresses()[1]);
  REQUIRE(eventually([&set] { return set.waiting() == 2; }));
  REQUIRE(set.wait(true, Deadline::after(10s)) == ListenerSet::Event::connection);
  CHECK(accept_without_descriptors(set) == std::errc::too_many_files_open);
  CHECK(accept_without_descriptors(set) == std::errc::too_many_files_open);
  CHECK(first.recv().empty());
  CHECK(second.recv().empty());
}

TEST_CASE("after refuse_new the clients of all listeners are accepted, and reopened they listen where they did") {
  ListenerSet set({kLocal, kLocal}, {});
  const std::vector<SocketAddress> addresses = set.addresses();
  const Client first(addresses[0]);
  const Client second(addresses[1]);
  REQUIRE(eventually([&set] { return set.waiting() == 2; }));
  set.refuse_new();
  CHECK_FALSE(set.accept().error);
  CHECK_FALSE(set.accept().error);
  CHECK(set.accept().error == std::errc::operation_would_block);
  set.close();
  CHECK_FALSE(set.listening());
  set.reopen();
  for (const SocketAddress& address : addresses) {
    const Client client(address);
    CHECK_FALSE(accept_next(set).error);
  }
}
