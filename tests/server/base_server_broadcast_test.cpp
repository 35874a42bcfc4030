// Broadcasts of servers with real sockets: a member that does not read, slow ones, and a stop while a sender waits.

#include <atomic>
#include <functional>
#include <mutex>
#include <socketserver/concurrency/broadcast.hpp>
#include <socketserver/handlers/stream_request_handler.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/client.hpp"
#include "support/eventually.hpp"
#include "support/running_server.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::Client;
using testing_support::eventually;
using testing_support::kConcurrentPolicies;
using testing_support::RunningServer;
using testing_support::TestPolicy;

namespace {

struct Square {
  Broadcast broadcast;
  OutboxOptions options{};
  bool flush = false;                     // at the handler's end, for as long as it takes
  std::atomic<std::uint64_t> dropped{0};  // of those that have ended
};

/// Repeats each line to all members, the speaker included.
class SquareHandler : public StreamRequestHandler {
 public:
  explicit SquareHandler(Square& square) : square_(square) {}
  static bool speaks_first() { return true; }

 protected:
  void handle() override {
    Outbox outbox(request(), square_.options);
    auto membership = square_.broadcast.join(outbox);
    outbox.post("welcome\n");
    try {
      while (const auto line = rfile().readline()) square_.broadcast.post(*line);
    } catch (const StreamError&) {  // as where the outbox ended the connection
    }
    membership.leave();
    if (square_.flush) (void)outbox.flush(Deadline::never());
    square_.dropped += outbox.dropped();
  }

 private:
  Square& square_;
};

using SquareServer = RunningServer<TCPServer<SquareHandler>>;

constexpr int kSmallBuffer = 4096;

ServerConfig small_buffers(TestPolicy policy, std::optional<std::chrono::milliseconds> write_timeout = std::nullopt) {
  if (policy.kind == PolicyKind::pool) policy.threads = 64;
  ServerConfig config = testing_support::local_config(policy);
  config.socket.send_buffer = kSmallBuffer;
  config.timeouts.write = write_timeout;
  config.timeouts.drain = 60s;
  return config;
}

Client member(const SquareServer& server) {
  Client client(server.address(), kSmallBuffer);
  REQUIRE(client.recv_line() == "welcome\n");
  return client;
}

std::string numbered(int number, std::size_t length = 0) {
  std::string text = std::to_string(number);
  return text + std::string(length - std::min(length, text.size()), '.') + "\n";
}

/// Has the first member speak, and each hear every line before the next. @returns the lines said.
int talk(std::vector<Client>& members, const std::function<bool()>& goes_on) {
  constexpr int kMost = 20'000;
  int number = 0;
  while (number < kMost && goes_on()) {
    const std::string line = numbered(++number, 500);
    members.front().send(line);
    for (Client& each : members) REQUIRE(each.recv_line() == line);
  }
  return number;
}

/// What a member has received that had not read, which may end with a part of a message. @returns the whole ones.
int whole_lines(const std::string& text) {
  int count = 0;
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1, ++count) {
    REQUIRE(text.substr(at, end + 1 - at) == numbered(count + 1, 500));
  }
  return count;
}

std::string rest_of(Client& client) {
  std::string all;
  try {
    for (std::string part = client.recv(); !part.empty(); part = client.recv()) all += part;
  } catch (const std::system_error& error) {
    REQUIRE(error.code() == std::errc::connection_reset);
  }
  return all;
}

}  // namespace

TEST_CASE("a member that does not read ends when its outbox is full, and the others hear every line meanwhile") {
  const TestPolicy policy = GENERATE(from_range(kConcurrentPolicies));
  Square square;
  square.options.max_bytes = 100'000;
  SquareServer server(small_buffers(policy), std::ref(square));
  Client deaf = member(server);
  std::vector<Client> others;
  for (int i = 0; i < 3; ++i) others.push_back(member(server));
  // No clock ends the deaf member: only its queue does.
  const int said = talk(others, [&square] { return square.broadcast.members() == 4; });
  CHECK(square.broadcast.members() == 3);
  CHECK(said > 200);  // what the queue takes is 200 lines
  CHECK(talk(others, [left = 10]() mutable { return left-- > 0; }) == 10);
  const int heard = whole_lines(rest_of(deaf));
  CHECK(heard < said);
  CHECK(eventually([&square] { return square.dropped > 0; }));
  CHECK(square.dropped >= 200);
  CHECK(square.dropped <= static_cast<std::uint64_t>(said - heard));  // a reset destroys what the kernel had taken
  others.clear();
  CHECK(server.stop().forced == 0);
}

TEST_CASE("a member that does not read ends when its write timeout is over, however long its queue may be") {
  const TestPolicy policy = GENERATE(from_range(kConcurrentPolicies));
  Square square;
  square.options = {.max_bytes = 1U << 30U, .max_messages = 1'000'000};
  SquareServer server(small_buffers(policy, 50ms), std::ref(square));
  Client deaf = member(server);
  std::vector<Client> others;
  for (int i = 0; i < 3; ++i) others.push_back(member(server));
  (void)talk(others, [&square] { return square.broadcast.members() == 4; });
  CHECK(square.broadcast.members() == 3);
  (void)whole_lines(rest_of(deaf));
  others.clear();
  CHECK(server.stop().forced == 0);
}

TEST_CASE("a burst of 2,000 messages to 50 slow readers loses none while they fit") {
  const TestPolicy policy = GENERATE(from_range(kConcurrentPolicies));
  constexpr int kMessages = 2'000;
  Square square;
  SquareServer server(small_buffers(policy), std::ref(square));
  std::vector<Client> members;
  for (int i = 0; i < 50; ++i) members.push_back(member(server));
  std::string expected;
  for (int i = 0; i < kMessages; ++i) {
    expected += numbered(i);
    REQUIRE(square.broadcast.post(numbered(i)) == members.size());
  }
  for (Client& each : members) {
    std::string heard;
    while (heard.size() < expected.size()) heard += each.recv();
    REQUIRE(heard == expected);
  }
  members.clear();
  CHECK(server.stop().forced == 0);
  CHECK(square.dropped == 0);
}

TEST_CASE("under drop_oldest a slow member misses whole messages, which are counted, and hears the last") {
  const TestPolicy policy = GENERATE(from_range(kConcurrentPolicies));
  constexpr int kMessages = 2000;
  Square square;
  square.options = {.max_messages = 10, .when_full = WhenFull::drop_oldest};
  SquareServer server(small_buffers(policy), std::ref(square));
  Client slow = member(server);
  for (int i = 1; i <= kMessages; ++i) REQUIRE(square.broadcast.post(numbered(i, 500)) == 1);
  std::uint64_t heard = 0;
  for (int last = 0; last < kMessages; ++heard) {
    const std::string line = slow.recv_line();
    const int number = std::stoi(line);
    REQUIRE(line == numbered(number, 500));
    REQUIRE(number > last);
    last = number;
  }
  slow.close();
  CHECK(server.stop().forced == 0);
  CHECK(heard + square.dropped == kMessages);
  CHECK(square.dropped > 0);
}

TEST_CASE("a stop ends a handler whose outbox is in the middle of a message") {
  const TestPolicy policy = GENERATE(from_range(kConcurrentPolicies));
  Square square;
  SquareServer server(small_buffers(policy), std::ref(square));
  Client deaf = member(server);
  const std::string message(500'000, 'x');
  CHECK(square.broadcast.post(message) == 1);
  CHECK(square.broadcast.post("waits") == 1);
  CHECK(server.stop().forced == 0);
  CHECK(rest_of(deaf).size() < message.size());
}

TEST_CASE("the drain deadline ends a handler that waits for its outbox") {
  const TestPolicy policy = GENERATE(from_range(kConcurrentPolicies));
  Square square;
  square.flush = true;
  ServerConfig config = small_buffers(policy);
  config.timeouts.drain = 50ms;
  SquareServer server(config, std::ref(square));
  Client deaf = member(server);
  CHECK(square.broadcast.post(std::string(500'000, 'x')) == 1);
  CHECK(server.stop().forced == 1);
  CHECK(square.dropped == 1);
}

TEST_CASE("a drain lets a handler flush what waits for a slow member") {
  const TestPolicy policy = GENERATE(from_range(kConcurrentPolicies));
  Square square;
  square.flush = true;
  SquareServer server(small_buffers(policy), std::ref(square));
  Client slow = member(server);
  const std::string message(500'000, 'x');
  CHECK(square.broadcast.post(message) == 1);
  server.server.request_stop();
  CHECK(rest_of(slow) == message);
  CHECK(server.stop().forced == 0);
  CHECK(square.dropped == 0);
}

TEST_CASE("under the policy inline the one member hears itself") {
  Square square;
  SquareServer server(small_buffers(PolicyKind::inline_), std::ref(square));
  Client only = member(server);
  CHECK(only.ask("hello\n") == "hello\n");
  only.close();
  CHECK(server.stop().forced == 0);
}
