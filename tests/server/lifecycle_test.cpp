#include <socketserver/server/lifecycle.hpp>
#include <stdexcept>

#include "support/catch.hpp"

using namespace socketserver;

TEST_CASE("a stop before the first run is remembered, after a run it is not") {
  detail::Lifecycle lifecycle;
  CHECK_FALSE(lifecycle.request_stop());
  CHECK(lifecycle.consume_pending_stop());
  CHECK_FALSE(lifecycle.consume_pending_stop());
  lifecycle.begin_serving();
  CHECK_THROWS_AS(lifecycle.begin_serving(), std::logic_error);
  CHECK(lifecycle.request_stop());
  CHECK_FALSE(lifecycle.request_stop());
  CHECK(lifecycle.stopping());
  lifecycle.drain_started();
  lifecycle.wait_until_draining();
  lifecycle.finish_serving();
  lifecycle.wait_until_stopped();
  CHECK_FALSE(lifecycle.request_stop());
  CHECK_FALSE(lifecycle.consume_pending_stop());
  CHECK(lifecycle.stop_requests() == 4);
}
