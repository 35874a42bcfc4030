#include <socketserver/testing/server_fixture.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <socketserver/base/text.hpp>
#include <socketserver/testing/local_config.hpp>
#include <stdexcept>

namespace socketserver::testing::detail {

ServerConfig fixture_config(FixtureOptions options) {
  ServerConfig config = local_config(std::move(options.config));
  const auto at_most = [](auto& timeout, std::chrono::milliseconds most) {
    timeout = std::min(timeout.value_or(most), most);
  };
  at_most(config.timeouts.drain, options.stop_within / 2);
  if (config.timeouts.linger) at_most(config.timeouts.linger, options.stop_within / 4);
  return config;
}

ServingThread::ServingThread(BaseServer& server, std::chrono::milliseconds stop_within)
    : server_(server), stop_within_(stop_within) {
  start();
}

ServingThread::~ServingThread() {
  try {
    (void)stop();
  } catch (const std::exception& error) {
    if (!serving_.valid()) return;  // serving failed and has ended, too
    std::fprintf(stderr, "%s\n", error.what());
    std::abort();
  }
}

void ServingThread::start() {
  serving_ = std::async(std::launch::async, [this] { return server_.serve_forever(); });
}

DrainReport ServingThread::stop() {
  server_.request_stop();
  return wait();
}

DrainReport ServingThread::wait() {
  if (!serving_.valid()) return {};
  if (stopped_within(stop_within_)) return serving_.get();
  throw std::runtime_error(
      concat("the server has not stopped within ", stop_within_.count(), " ms: ", server_.active_connections()));
}

bool ServingThread::stopped_within(std::chrono::milliseconds time) const {
  return serving_.wait_for(time) == std::future_status::ready;
}

}  // namespace socketserver::testing::detail
