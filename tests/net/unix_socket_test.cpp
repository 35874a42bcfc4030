// Listening on Unix sockets: the file's life, its mode, and the end of arrivals.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/net/connect_unix.hpp>
#include <socketserver/net/listening_socket.hpp>
#include <socketserver/net/peer_credentials.hpp>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/temporary_folder.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using detail::ListeningSocket;
using testing_support::Client;
using testing_support::TemporaryFolder;

namespace {

ListeningSocket listen_on(const std::string& path, std::optional<unsigned> mode = {}) {
  return {{.path = path, .mode = mode}, {}};
}

std::string error_of(const std::string& path) {
  try {
    (void)listen_on(path);
  } catch (const std::system_error& error) {
    return error.what();
  }
  return "no error";
}

bool refused(const std::string& path) {
  try {
    const Client client(unix_address(path));
    return false;
  } catch (const std::system_error& error) {
    return error.code() == std::errc::connection_refused || error.code() == std::errc::no_such_file_or_directory;
  }
}

/// Leaves the file of a server that has died.
void leave_stale(const std::string& path) {
  const FileDescriptor dead(::socket(AF_UNIX, SOCK_STREAM, 0));
  const SocketAddress address = unix_address(path);
  REQUIRE(::bind(dead.get(), address.data(), address.size()) == 0);
  REQUIRE(::listen(dead.get(), 1) == 0);
}

unsigned mode_of(const std::string& path) {
  struct stat file {};
  REQUIRE(::stat(path.c_str(), &file) == 0);
  return file.st_mode & 07777U;
}

std::string unique_name() { return "@socketserver-test-" + std::to_string(::getpid()); }

}  // namespace

TEST_CASE("a Unix socket's address shows its name, printable, and equals the same name alone") {
  CHECK(unix_address("/run/x.sock").to_string() == "unix:/run/x.sock");
  CHECK(unix_address("/run/x.sock").unix_path() == "/run/x.sock");
  CHECK(unix_address("@name").to_string() == "unix:@name");
  CHECK(unix_address("a\nb").to_string() == "unix:a\\nb");
  CHECK(unix_address("/a") == unix_address("/a"));
  CHECK_FALSE(unix_address("/a") == unix_address("/b"));
  CHECK_FALSE(unix_address("@a") == unix_address("a"));
  CHECK_FALSE(unix_address("/a") == SocketAddress());
  const sa_family_t unnamed = AF_UNIX;
  const SocketAddress client(reinterpret_cast<const sockaddr*>(&unnamed), sizeof unnamed);
  CHECK(client.to_string() == "unix:");
  CHECK_FALSE(client == SocketAddress());
}

TEST_CASE("a Unix socket's path of 107 bytes is taken, and a longer one is an error that says so") {
  CHECK(unix_address(std::string(107, 'x')).unix_path() == std::string(107, 'x'));
  CHECK(unix_address("@" + std::string(106, 'x')).unix_path().size() == 107);
  CHECK_THROWS_WITH(unix_address(std::string(108, 'x')), Catch::Matchers::Contains("of 108 bytes, of at most 107"));
  CHECK_THROWS_AS(unix_address(""), std::system_error);
  CHECK_THROWS_AS(unix_address(std::string("a\0b", 3)), std::system_error);
}

TEST_CASE("a Unix socket accepts clients, which have no name") {
  const TemporaryFolder folder;
  for (const std::string& path : {folder / "s", unique_name()}) {
    ListeningSocket socket = listen_on(path);
    CHECK(socket.address() == unix_address(path));
    CHECK(socket.accept().error == std::errc::operation_would_block);
    Client client(socket.address());
    const ListeningSocket::Accepted accepted = socket.accept();
    REQUIRE_FALSE(accepted.error);
    CHECK(accepted.peer.to_string() == "unix:");
    REQUIRE(::send(accepted.socket.get(), "hi", 2, 0) == 2);
    CHECK(client.recv() == "hi");
    const auto peer = peer_credentials(accepted.socket.get());
    REQUIRE(peer);
    CHECK(peer->pid == ::getpid());
    CHECK(peer->uid == ::geteuid());
    CHECK(peer->gid == ::getegid());
  }
}

TEST_CASE("the file that a dead server has left is taken over") {
  const TemporaryFolder folder;
  leave_stale(folder / "s");
  ListeningSocket socket = listen_on(folder / "s");
  const Client client(socket.address());
  CHECK_FALSE(socket.accept().error);
}

TEST_CASE("a name that a living server holds is in use, and its clients are served") {
  const TemporaryFolder folder;
  for (const std::string& path : {folder / "s", unique_name()}) {
    ListeningSocket first = listen_on(path);
    CHECK_THAT(error_of(path), Catch::Matchers::Contains("a server listens there: Address already in use"));
    while (!first.accept().error) {  // the second one's look
    }
    const Client client(unix_address(path));
    CHECK_FALSE(first.accept().error);
  }
}

TEST_CASE("a living server whose queue is full is not taken for a dead one") {
  const TemporaryFolder folder;
  ListeningSocket first{{.backlog = 0, .path = folder / "s"}, {}};
  const Client fills(first.address());
  CHECK_THAT(error_of(folder / "s"), Catch::Matchers::Contains("a server listens there"));
}

TEST_CASE("a file that is no socket is left alone") {
  const TemporaryFolder folder;
  std::ofstream(folder / "s") << "precious";
  CHECK_THAT(error_of(folder / "s"), Catch::Matchers::Contains("the file is no socket: Address already in use"));
  CHECK(std::filesystem::file_size(folder / "s") == 8);
  std::filesystem::create_symlink(folder / "s", folder / "link");
  CHECK_THAT(error_of(folder / "link"), Catch::Matchers::Contains("the file is no socket"));
  CHECK(std::filesystem::is_symlink(folder / "link"));
}

TEST_CASE("two starters take turns: one that finds the directory locked waits for it") {
  const TemporaryFolder folder;
  leave_stale(folder / "s");
  FileDescriptor other(::open((folder / "").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(::flock(other.get(), LOCK_EX) == 0);
  auto starting = std::async(std::launch::async, [&folder] { return listen_on(folder / "s"); });
  CHECK(starting.wait_for(50ms) == std::future_status::timeout);
  other.reset();
  CHECK(starting.get().native_handle() >= 0);
}

TEST_CASE("of many starters on one stale file exactly one listens") {
  const TemporaryFolder folder;
  leave_stale(folder / "s");
  std::vector<std::future<std::optional<ListeningSocket>>> starters;
  for (int i = 0; i < 8; ++i) {
    starters.push_back(std::async(std::launch::async, [&folder]() -> std::optional<ListeningSocket> {
      try {
        return listen_on(folder / "s");
      } catch (const std::system_error&) {
        return std::nullopt;
      }
    }));
  }
  std::vector<std::optional<ListeningSocket>> all;
  for (auto& starter : starters) all.push_back(starter.get());
  CHECK(std::count_if(all.begin(), all.end(), [](const auto& socket) { return socket.has_value(); }) == 1);
  CHECK_NOTHROW(Client(unix_address(folder / "s")));
}

TEST_CASE("a Unix socket's file has the mode that was asked for, under any umask") {
  const TemporaryFolder folder;
  const mode_t before = ::umask(077);
  for (const unsigned mode : {0660U, 0600U, 0777U}) {
    const ListeningSocket socket = listen_on(folder / "s", mode);
    CHECK(mode_of(folder / "s") == mode);
  }
  ::umask(before);
}

TEST_CASE("a Unix socket's file goes with its socket, but not one that another has put in its place") {
  const TemporaryFolder folder;
  {
    const ListeningSocket socket = listen_on(folder / "s");
    CHECK(std::filesystem::exists(folder / "s"));
  }
  CHECK_FALSE(std::filesystem::exists(folder / "s"));
  {
    const ListeningSocket socket = listen_on(folder / "s");
    std::filesystem::rename(folder / "s", folder / "moved");
    leave_stale(folder / "s");
  }
  CHECK(std::filesystem::exists(folder / "s"));
}

TEST_CASE("after refuse_new what had connected to a Unix socket is accepted, and nothing new arrives") {
  const TemporaryFolder folder;
  for (const std::string& path : {folder / "s", unique_name()}) {
    ListeningSocket socket = listen_on(path);
    Client first(socket.address());
    const Client second(socket.address());
    first.send("x");
    CHECK(socket.waiting() == 2);
    socket.refuse_new();
    CHECK(refused(path));
    CHECK(socket.waiting() == 2);
    const ListeningSocket::Accepted accepted = socket.accept();
    REQUIRE_FALSE(accepted.error);
    char byte = 0;
    CHECK(::recv(accepted.socket.get(), &byte, 1, MSG_DONTWAIT) == 1);
    CHECK_FALSE(socket.accept().error);
    CHECK(socket.accept().error == std::errc::operation_would_block);
    socket.close();
    socket.reopen();
    CHECK_NOTHROW(Client(unix_address(path)));
  }
}

TEST_CASE("a client of a Unix socket waits where the queue is full, for as long as it may") {
  const TemporaryFolder folder;
  ListeningSocket socket{{.backlog = 0, .path = folder / "s"}, {}};
  const SocketStream fills = create_unix_connection(folder / "s");
  CHECK_THROWS_AS(create_unix_connection(folder / "s", {.connect_timeout = 10ms}), TimeoutError);
  auto second = std::async(std::launch::async, [&folder] {
    return create_unix_connection(folder / "s", {.connect_timeout = 10s}).peer_address().to_string();
  });
  const ListeningSocket::Accepted accepted = socket.accept();
  CHECK_FALSE(accepted.error);
  CHECK(second.get() == "unix:" + (folder / "s"));
  socket.close();
  CHECK_THROWS_AS(create_unix_connection(folder / "s"), StreamError);
}

TEST_CASE("a drain ends a Unix stream's wait for a message, and its peer can send on") {
  const auto check = [] {
    const TemporaryFolder folder;
    ListeningSocket socket = listen_on(folder / "s");
    Client client(socket.address());
    ListeningSocket::Accepted accepted = socket.accept();
    SocketStream stream(std::move(accepted.socket), accepted.peer);
    std::atomic<bool> over{false};
    const auto draining = std::async(std::launch::async, [&] {
      while (!over) stream.drain();  // it may come before the wait, and ends it then as well
    });
    CHECK(stream.recv(10).empty());
    over = true;
    CHECK_FALSE(stream.read_is_shut());
    CHECK_FALSE(stream.at_eof());
    CHECK_NOTHROW(client.send("late"));
  };
  check();
  const auto loop = make_policy({.kind = PolicyKind::fiber, .threads = 1});
  loop->run_accept_loop([&check] { check(); });
}
