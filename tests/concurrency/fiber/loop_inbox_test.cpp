#include <sys/eventfd.h>

#include <socketserver/concurrency/fiber/loop_inbox.hpp>

#include "support/catch.hpp"
#include "support/connected.hpp"
#include "support/policies.hpp"

using namespace socketserver;
using testing_support::connected;
using testing_support::fibers;

namespace {

/// @returns how often the loop was woken since the last call.
eventfd_t wakes(const detail::LoopInbox& inbox) {
  eventfd_t count = 0;
  return ::eventfd_read(inbox.descriptor(), &count) == 0 ? count : 0;
}

}  // namespace

TEST_CASE("a loop with something in its inbox may not sleep, and one that sleeps is woken once") {
  detail::LoopInbox inbox;
  CHECK(inbox.prepare_to_block());
  inbox.stop();
  inbox.stop();
  CHECK(wakes(inbox) == 1);
  CHECK(inbox.filled());
  CHECK_FALSE(inbox.prepare_to_block());
  CHECK(inbox.take().stopping);
  CHECK_FALSE(inbox.filled());
  CHECK(inbox.prepare_to_block());
}

TEST_CASE("a loop that is awake is not woken") {
  detail::LoopInbox inbox;
  inbox.stop();
  CHECK_FALSE(inbox.prepare_to_block());
  inbox.stop();
  CHECK(wakes(inbox) == 0);
}

TEST_CASE("a request to stop stays in the inbox") {
  detail::LoopInbox inbox;
  inbox.stop();
  CHECK(inbox.take().stopping);
  CHECK(inbox.take().stopping);
}

TEST_CASE("a stream may end after the loop that it was registered with") {
  auto [left, right] = connected();
  {
    const auto policy = fibers();
    right->sendall("x");
    policy->submit([&stream = *left] { (void)stream.recv(1); });
    policy->join();
  }
  right->sendall("more");
  CHECK(left->recv(10) == "more");
  left.reset();
  CHECK(right->recv(10).empty());
}
