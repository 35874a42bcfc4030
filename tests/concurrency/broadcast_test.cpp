// Broadcast: to whom a message goes, in which order, and that no lock is held meanwhile.

#include <array>
#include <memory>
#include <optional>
#include <socketserver/concurrency/broadcast.hpp>
#include <socketserver/io/memory_stream.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/gate_stream.hpp"

using namespace socketserver;
using testing_support::GateStream;

namespace {

struct Member {
  Member(Broadcast& broadcast, std::size_t room, const OutboxOptions& options = {})
      : stream(room), outbox(std::in_place, stream, options), membership(broadcast.join(*outbox)) {}

  GateStream stream;
  std::optional<Outbox> outbox;
  Broadcast::Membership membership;
};

}  // namespace

TEST_CASE("a broadcast reaches all members but one, and none that has left") {
  Broadcast broadcast;
  CHECK(broadcast.post("no member") == 0);
  Member ann(broadcast, GateStream::kEverything);
  {
    Member bob(broadcast, GateStream::kEverything);
    Member eve(broadcast, GateStream::kEverything);
    CHECK(broadcast.members() == 3);
    CHECK(broadcast.post("all ") == 3);
    CHECK(broadcast.post("not ann ", &*ann.outbox) == 2);
    eve.membership.leave();
    eve.membership.leave();
    CHECK(broadcast.post("not eve") == 2);
    CHECK(bob.stream.written() == "all not ann not eve");
    CHECK(eve.stream.written() == "all not ann ");
  }
  CHECK(broadcast.members() == 1);
  CHECK(broadcast.post(", alone") == 1);
  CHECK(ann.stream.written() == "all not eve, alone");
}

TEST_CASE("a membership is moved, and ends once") {
  std::optional<Broadcast> broadcast(std::in_place);
  Member ann(*broadcast, GateStream::kEverything);
  Broadcast::Membership moved = std::move(ann.membership);
  CHECK(broadcast->members() == 1);
  Broadcast::Membership& itself = moved;
  moved = std::move(itself);
  CHECK(broadcast->members() == 1);
  moved = broadcast->join(*ann.outbox);
  CHECK(broadcast->members() == 1);
  moved = {};
  CHECK(broadcast->members() == 0);
  moved = broadcast->join(*ann.outbox);
  broadcast.reset();  // before its membership
}

TEST_CASE("a member that does not read delays no other, and ends when its outbox is full") {
  Broadcast broadcast;
  Member deaf(broadcast, 1, {.max_messages = 10});
  Member ann(broadcast, GateStream::kEverything);
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string message = "message " + std::to_string(i) + "\n";
    expected += message;
    CHECK(broadcast.post(message) == (i <= 10 ? 2 : 1));  // one is being sent, ten wait
    REQUIRE(ann.stream.written() == expected);
  }
  CHECK(deaf.stream.aborted());
  CHECK_FALSE(deaf.outbox->open());
  CHECK(deaf.stream.written() == "m");
}

TEST_CASE("a broadcast copies its message once") {
  Broadcast broadcast;
  const std::array members{std::make_unique<Member>(broadcast, 0), std::make_unique<Member>(broadcast, 0),
                           std::make_unique<Member>(broadcast, 0)};
  const SharedMessage message = std::make_shared<const std::string>("message");
  CHECK(broadcast.post(message) == 3);
  CHECK(message.use_count() == 4);
}

TEST_CASE("all members get concurrent posts in the same order, and no lock is held while one is sent") {
  Broadcast broadcast;
  Member first(broadcast, GateStream::kEverything);
  Member second(broadcast, GateStream::kEverything);
  bool answered = false;
  const auto answer = [&] {  // the other post comes while the first is being sent
    if (!std::exchange(answered, true)) broadcast.post("answer ");
  };
  first.stream.before_write = answer;
  second.stream.before_write = answer;
  CHECK(broadcast.post("question ") == 2);
  CHECK(first.stream.written() == "question answer ");
  CHECK(second.stream.written() == "question answer ");
}

TEST_CASE("a member may end in the middle of a broadcast to it") {
  Broadcast broadcast;
  Member first(broadcast, GateStream::kEverything);
  Member second(broadcast, GateStream::kEverything);
  first.stream.before_write = [&second] { second.outbox.reset(); };
  second.stream.before_write = [&first] { first.outbox.reset(); };
  // Whichever is sent to first ends the other.
  CHECK(broadcast.post("message") == 2);
  CHECK(first.stream.written() + second.stream.written() == "message");
  CHECK(broadcast.post("another") == 1);
}

TEST_CASE("a full outbox that ends in the middle of a broadcast leaves its stream alone") {
  Broadcast broadcast;
  Member open(broadcast, GateStream::kEverything);
  Member full(broadcast, 0, {.max_messages = 1});
  broadcast.post("being sent ");
  broadcast.post("waits ");
  std::size_t aborts = 0;
  open.stream.before_write = [&full, &aborts] {
    full.outbox.reset();
    aborts = full.stream.aborts();
  };
  CHECK(broadcast.post("too much") == 1);
  CHECK(open.stream.written() == "being sent waits too much");
  CHECK(aborts > 0);
  CHECK(full.stream.aborts() == aborts);
}

TEST_CASE("many threads post, join and leave, and each message arrives whole and in its poster's order") {
  constexpr int kPosters = 4;
  constexpr int kMessages = 500;
  Broadcast broadcast;
  Member listener(broadcast, 7);
  std::vector<std::thread> threads;
  for (int poster = 0; poster < kPosters; ++poster) {
    threads.emplace_back([&broadcast, poster] {
      for (int i = 0; i < kMessages; ++i) {
        const Member passing(broadcast, i % 2 == 0 ? GateStream::kEverything : 1);
        broadcast.post(std::string(1, static_cast<char>('a' + poster)) + std::to_string(i) + "\n");
      }
    });
  }
  listener.stream.take(GateStream::kEverything);
  for (std::thread& thread : threads) thread.join();
  CHECK(listener.outbox->flush(Deadline::never()));
  std::array<int, kPosters> next{};
  std::string expected;
  const std::string written = listener.stream.written();
  for (std::size_t at = 0; at < written.size(); at = written.find('\n', at) + 1) {
    const auto poster = static_cast<std::size_t>(written[at] - 'a');
    REQUIRE(poster < next.size());
    REQUIRE(written.substr(at + 1, written.find('\n', at) - at - 1) == std::to_string(next.at(poster)++));
  }
  CHECK(next == std::array{kMessages, kMessages, kMessages, kMessages});
}
