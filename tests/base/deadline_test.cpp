#include <socketserver/base/deadline.hpp>

#include "support/catch.hpp"

using namespace socketserver;
using namespace std::chrono_literals;

TEST_CASE("a deadline expires when its clock reaches it") {
  ManualClock clock;
  const Deadline deadline = Deadline::after(10s, clock);
  CHECK(deadline.remaining(clock) == 10s);
  clock.advance(9s);
  CHECK_FALSE(deadline.expired(clock));
  clock.advance(1s);
  CHECK(deadline.expired(clock));
  CHECK(deadline.remaining(clock) == 0s);
}

TEST_CASE("never does not expire, comes last, and is what nullopt gives") {
  ManualClock clock;
  const Deadline never = Deadline::after(std::nullopt, clock);
  CHECK(never == Deadline::never());
  CHECK_FALSE(never.expired(clock));
  CHECK(never.remaining(clock) == Duration::max());
  CHECK(Deadline::after(24h, clock) < never);
}

TEST_CASE("a timeout too long for the clock is never, a negative one is over") {
  ManualClock clock;
  clock.advance(1s);
  CHECK(Deadline::after(Duration::max(), clock).is_never());
  CHECK(Deadline::after(-1s, clock).expired(clock));
}

TEST_CASE("the steady clock goes forward") {
  const TimePoint before = steady_clock().now();
  CHECK(steady_clock().now() >= before);
}
