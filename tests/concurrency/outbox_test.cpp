// Outbox over streams in memory: what its own connection gets, and that no post waits for it.

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <socketserver/concurrency/outbox.hpp>
#include <socketserver/concurrency/policy.hpp>
#include <socketserver/io/memory_stream.hpp>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/event.hpp"
#include "support/gate_stream.hpp"
#include "support/no_threads.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::Event;
using testing_support::GateStream;

namespace {

/// Runs the test on a thread, then on a fiber, whose outbox has a fiber as its sender.
template <typename Test>
void on_thread_and_fiber(Test test) {
  for (const PolicyKind kind : {PolicyKind::thread, PolicyKind::fiber}) {
    const auto policy = make_policy({.kind = kind, .threads = 1});
    policy->submit([&test] { test(); });
    policy->join();
  }
}

constexpr OutboxOptions kTwoWait{.max_messages = 2};
constexpr OutboxOptions kNewest{.max_messages = 2, .when_full = WhenFull::drop_oldest};

}  // namespace

TEST_CASE("a post sends what the stream takes at once, and starts no sender") {
  GateStream stream(GateStream::kEverything);
  Outbox outbox(stream);
  CHECK(outbox.post("hello "));
  CHECK(outbox.post(std::make_shared<const std::string>("world")));
  CHECK(stream.written() == "hello world");
  CHECK(stream.writers() == std::vector(2, std::this_thread::get_id()));
  CHECK(outbox.flush(Deadline::at_once()));
  CHECK(outbox.flush());
}

TEST_CASE("what a stream does not take waits, and comes whole and in order once it does") {
  on_thread_and_fiber([] {
    GateStream stream(3);
    Outbox outbox(stream);
    CHECK(outbox.post("hello"));
    CHECK(outbox.post(" "));
    CHECK(outbox.post("world"));
    CHECK(outbox.waiting() == 2);
    CHECK_FALSE(outbox.flush(Deadline::at_once()));
    CHECK(stream.written() == "hel");
    stream.take(4);
    stream.take(GateStream::kEverything);
    CHECK(outbox.flush(Deadline::never()));
    CHECK(stream.written() == "hello world");
    CHECK(outbox.dropped() == 0);
    CHECK(outbox.post("!"));  // the sender has ended
    CHECK(stream.written() == "hello world!");
  });
}

TEST_CASE("an outbox that has had a sender may need another one") {
  on_thread_and_fiber([] {
    GateStream stream(0);
    Outbox outbox(stream);
    std::string expected;
    for (int i = 0; i < 50; ++i) {
      stream.take(0);
      outbox.post("message ");
      expected += "message ";
      stream.take(GateStream::kEverything);
      REQUIRE(outbox.flush(Deadline::never()));
    }
    CHECK(stream.written() == expected);
  });
}

TEST_CASE("by default a mebibyte or 10,000 messages may wait for a connection") {
  CHECK(OutboxOptions{}.max_bytes == 1024 * 1024);
  CHECK(OutboxOptions{}.max_messages == 10'000);
}

TEST_CASE("a full outbox ends its connection: the queue is dropped, later posts are refused, the reader wakes") {
  on_thread_and_fiber([] {
    GateStream stream(1);
    Outbox outbox(stream, kTwoWait);
    CHECK(outbox.post("first"));  // being sent
    CHECK(outbox.post("second"));
    CHECK(outbox.post("third"));
    CHECK(outbox.open());
    CHECK_FALSE(stream.aborted());
    CHECK_FALSE(outbox.post("fourth"));
    CHECK(stream.aborted());
    CHECK_FALSE(outbox.open());
    CHECK_FALSE(outbox.post("fifth"));
    CHECK_FALSE(outbox.flush(Deadline::never()));
    CHECK(stream.written() == "f");
    CHECK(outbox.dropped() == 5);
    CHECK_THROWS_AS(stream.recv(1), StreamError);
  });
}

TEST_CASE("the bytes that wait are bounded, too, but one message is taken however long it is") {
  GateStream stream(1);
  Outbox outbox(stream, {.max_bytes = 10});
  CHECK(outbox.post("first"));
  CHECK(outbox.post(std::string(100, 'x')));
  CHECK_FALSE(outbox.post("y"));
  GateStream other(1);
  Outbox two(other, {.max_bytes = 10});
  CHECK(two.post("first"));
  CHECK(two.post("12345"));
  CHECK(two.post("67890"));
  CHECK_FALSE(two.post("."));
}

TEST_CASE("drop_oldest drops whole messages, the oldest that wait, and counts them") {
  on_thread_and_fiber([] {
    GateStream stream(1);
    Outbox outbox(stream, kNewest);
    for (int i = 1; i <= 9; ++i) CHECK(outbox.post("<message " + std::to_string(i) + ">"));
    CHECK(outbox.waiting() == 2);
    CHECK(outbox.dropped() == 6);
    CHECK_FALSE(stream.aborted());
    stream.take(GateStream::kEverything);
    CHECK(outbox.flush(Deadline::never()));
    CHECK(stream.written() == "<message 1><message 8><message 9>");
  });
}

TEST_CASE("drop_oldest makes room for bytes") {
  GateStream stream(1);
  Outbox outbox(stream, {.max_bytes = 10, .when_full = WhenFull::drop_oldest});
  for (const char* message : {"<>", "1111", "2222", "333333", "44444444444444"}) CHECK(outbox.post(message));
  CHECK(outbox.dropped() == 3);
  stream.take(GateStream::kEverything);
  CHECK(outbox.flush(Deadline::never()));
  CHECK(stream.written() == "<>44444444444444");
}

TEST_CASE("a message that takes longer than the write timeout ends the connection") {
  on_thread_and_fiber([] {
    GateStream stream(1);
    stream.set_timeouts({.write = 1ms});
    Outbox outbox(stream);
    CHECK(outbox.post("first"));
    CHECK_FALSE(outbox.flush());
    CHECK_FALSE(outbox.flush(Deadline::never()));
    CHECK(stream.aborted());
    CHECK(stream.send_failed());
    CHECK_FALSE(outbox.open());
    CHECK_FALSE(outbox.post("second"));
    CHECK(outbox.dropped() == 2);
  });
}

TEST_CASE("a connection that has failed closes the outbox at the next post") {
  GateStream stream(GateStream::kEverything);
  Outbox outbox(stream);
  stream.abort();
  CHECK(outbox.post("taken, and then it fails"));
  CHECK_FALSE(outbox.open());
  CHECK(outbox.dropped() == 1);
}

TEST_CASE("the end of an outbox ends a send that would never return") {
  on_thread_and_fiber([] {
    GateStream stream(1);
    {
      Outbox outbox(stream);
      CHECK(outbox.post("first"));
      CHECK(outbox.post("second"));
    }
    CHECK(stream.aborted());
    CHECK(stream.written() == "f");
  });
}

TEST_CASE("the end of an outbox whose messages have all been sent leaves the connection as it is") {
  GateStream stream(GateStream::kEverything);
  { Outbox(stream).post("hello "); }
  CHECK_FALSE(stream.aborted());
  stream.sendall("world");
  CHECK(stream.written() == "hello world");
}

TEST_CASE("a message is not cut by what the handler sends itself") {
  GateStream stream(3);
  Outbox outbox(stream);
  CHECK(outbox.post("hello "));
  std::thread handler([&stream] { stream.sendall("handler's "); });
  stream.take(GateStream::kEverything);
  handler.join();
  CHECK(outbox.flush(Deadline::never()));
  CHECK(stream.written() == "hello handler's ");
}

TEST_CASE("while the handler sends, a post does not wait for it") {
  GateStream stream(3);
  std::thread handler([&stream] { stream.sendall("handler's "); });
  while (stream.written() != "han") std::this_thread::yield();
  Outbox outbox(stream);
  CHECK(outbox.post("hello "));
  CHECK(stream.written() == "han");
  stream.take(GateStream::kEverything);
  handler.join();
  CHECK(outbox.flush(Deadline::never()));
  CHECK(stream.written() == "handler's hello ");
}

TEST_CASE("a poster does not become the sender of all that others post meanwhile") {
  GateStream stream(GateStream::kEverything);
  std::optional<Outbox> outbox(stream);
  std::atomic<int> more{1000};
  stream.before_write = [&] {
    if (more-- > 0) outbox->post("x");
  };
  CHECK(outbox->post("x"));
  CHECK(outbox->flush(Deadline::never()));
  CHECK(stream.written().size() == 1001);
  const auto writers = stream.writers();
  CHECK(std::count(writers.begin(), writers.end(), std::this_thread::get_id()) < 100);
}

TEST_CASE("where no sender can be started the connection ends, not the process") {
  GateStream stream(0);
  Outbox outbox(stream);
  {
    const testing_support::NoThreads none;
    CHECK(outbox.post("first"));
  }
  CHECK(stream.aborted());
  CHECK_FALSE(outbox.open());
  CHECK(outbox.dropped() == 1);
}

TEST_CASE("on a fiber the sender is a fiber of the same loop, also for posts from elsewhere") {
  GateStream stream(1);
  Event made;
  Event posted;
  Outbox* shared = nullptr;
  std::thread::id loop;
  bool all = false;
  const auto policy = make_policy({.kind = PolicyKind::fiber, .threads = 3});
  policy->submit([&] {
    loop = std::this_thread::get_id();
    Outbox outbox(stream);
    shared = &outbox;
    made.set();
    posted.wait();
    stream.take(GateStream::kEverything);
    all = outbox.flush(Deadline::never());
  });
  made.wait();
  CHECK(shared->post("first"));  // from a thread
  posted.set();
  policy->join();
  CHECK(all);
  CHECK(stream.written() == "first");
  CHECK(stream.writers() == std::vector{std::this_thread::get_id(), loop});
}

TEST_CASE("a post suspends no fiber, so that a std::mutex may be held") {
  std::mutex mutex;
  int posts = 0;
  bool was_free = true;
  const auto policy = make_policy({.kind = PolicyKind::fiber, .threads = 1});
  const auto post = [&] {
    GateStream stream(GateStream::kEverything);  // which yields in each write of a fiber
    Outbox outbox(stream);
    for (int i = 0; i < 100; ++i) {
      if (!mutex.try_lock()) {
        was_free = false;
        return;
      }
      const std::lock_guard lock(mutex, std::adopt_lock);
      if (outbox.post("x")) ++posts;
    }
  };
  policy->submit(post);
  policy->submit(post);
  policy->join();
  CHECK(was_free);
  CHECK(posts == 200);
}

TEST_CASE("over a scripted stream an outbox does the same in each run") {
  MemoryStream stream{PeerStep("question"), PeerStep::stop_reading(), PeerStep::pause(5s), PeerStep::resume_reading(),
                      PeerStep::expect("first, second")};
  stream.set_timeouts({.write = 30s});
  Outbox outbox(stream);
  CHECK(stream.recv(8) == "question");
  CHECK(outbox.post("first, "));
  CHECK(outbox.post("second"));
  CHECK(stream.written() == "first, second");
  CHECK(stream.clock().now() == TimePoint(5s));
  CHECK_NOTHROW(stream.verify_script());
}

TEST_CASE("a scripted peer that does not read ends the connection when the write timeout is over") {
  MemoryStream stream{PeerStep("question"), PeerStep::stop_reading()};
  stream.set_timeouts({.write = 30s});
  Outbox outbox(stream);
  CHECK(stream.recv(8) == "question");
  CHECK(outbox.post("answer"));
  CHECK(stream.clock().now() == TimePoint(30s));
  CHECK_FALSE(outbox.open());
  CHECK_THROWS_AS(stream.recv(1), StreamError);
}

TEST_CASE("what a script does not expect is its error, not the poster's") {
  MemoryStream stream{PeerStep("question"), PeerStep::expect("answer")};
  Outbox outbox(stream);
  CHECK(stream.recv(8) == "question");
  CHECK(outbox.post("another"));
  CHECK_FALSE(outbox.open());
  CHECK_THROWS_AS(stream.verify_script(), ScriptError);
}
