// Streams that fibers read and write.

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <socketserver/net/address.hpp>
#include <socketserver/net/socket_stream.hpp>
#include <socketserver/wait/sync.hpp>
#include <string>

#include "support/catch.hpp"
#include "support/connected.hpp"
#include "support/event.hpp"
#include "support/policies.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::connected;
using testing_support::Event;
using testing_support::fibers;

TEST_CASE("a fiber of another loop sends whole messages on a connection that its owner reads") {
  const auto policy = fibers(2);
  auto [left, right] = connected();
  const std::string message(300000, 'm');  // more than the kernel takes at once: senders wait in turn
  constexpr int kSenders = 6;
  std::atomic<int> sent{0};
  std::atomic<bool> owner_ended{false};
  policy->submit([&owner_ended, &stream = *left] {  // the owner: its first wait registers the connection
    owner_ended = stream.recv(1) == "e";
  });
  for (int i = 0; i < kSenders; ++i) {
    policy->submit([&sent, &message, &stream = *left] {
      stream.sendall(message);
      ++sent;
    });
  }
  std::size_t received = 0;
  while (received < kSenders * message.size()) received += right->recv(65536).size();
  right->sendall("e");
  policy->join();
  CHECK(sent == kSenders);
  CHECK(owner_ended);
}

TEST_CASE("a read ends at its deadline and at an abort, and a later one returns what has arrived") {
  const auto policy = fibers();
  auto [left, right] = connected();
  left->settimeout(20ms);
  std::promise<void> waiting;
  std::string first;
  bool timed_out = false;
  bool aborted = false;
  policy->submit([&, &stream = *left, &peer = *right] {
    try {
      (void)stream.recv(10);
    } catch (const TimeoutError&) {
      timed_out = true;
    }
    peer.sendall("there");
    first = stream.recv(10);
    stream.settimeout(std::nullopt);
    waiting.set_value();
    try {
      (void)stream.recv(10);
    } catch (const StreamError& error) {
      aborted = error.code() == std::errc::connection_aborted;
    }
  });
  waiting.get_future().wait();
  left->abort();
  policy->join();
  CHECK(timed_out);
  CHECK(first == "there");
  CHECK(aborted);
}

TEST_CASE("senders have their turn in the order of their calls") {
  const auto kind = GENERATE(PolicyKind::thread, PolicyKind::fiber);
  const auto policy = make_policy({.kind = kind, .threads = 1});
  auto [left, right] = connected();
  const std::string large(1U << 20U, 'x');
  std::atomic<bool> sent{false};
  int messages = 0;
  Event begun;
  policy->submit([&, &stream = *left] {
    for (; !sent && messages < 10000; ++messages) {
      stream.sendall(large);
      begun.set();
    }
    stream.shutdown(ShutdownHow::write);
  });
  policy->submit([&, &stream = *left] {
    begun.wait();
    stream.sendall("small");
    sent = true;
  });
  while (!right->recv(65536).empty()) {
  }
  policy->join();
  CHECK(sent);
  CHECK(messages < 10000);
}

TEST_CASE("a sender may wait for room on a connection that its owner has not read yet") {
  const auto policy = fibers();
  auto [left, right] = connected();
  std::string asked;
  policy->submit([&stream = *left] { stream.sendall(std::string(5U << 20U, 'x')); });  // registers it first
  policy->submit([&asked, &stream = *left] {
    sleep_for(5ms);
    asked = stream.recv(10);
  });
  std::size_t received = right->recv(1).size();
  right->sendall("question");
  while (received < 5U << 20U) received += right->recv(65536).size();
  policy->join();
  CHECK(asked == "question");
}

TEST_CASE("urgent data does not hide what comes after it") {
  const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  const SocketAddress address = local_address(listener.get());
  const FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(client.get(), address.data(), address.size()) == 0);
  SocketStream stream(FileDescriptor(::accept(listener.get(), nullptr, nullptr)), address);
  stream.settimeout(5s);
  REQUIRE(::send(client.get(), "abc", 3, 0) == 3);
  REQUIRE(::send(client.get(), "!", 1, MSG_OOB) == 1);
  REQUIRE(::send(client.get(), "def", 3, 0) == 3);
  const auto policy = fibers();
  std::string read;
  policy->submit([&read, &stream] {
    while (read.size() < 6) read += stream.recv(100);
  });
  policy->join();
  CHECK(read == "abcdef");
}
