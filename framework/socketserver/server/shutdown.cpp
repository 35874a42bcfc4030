#include <socketserver/server/shutdown.hpp>

#include <chrono>
#include <socketserver/base/text.hpp>
#include <socketserver/server/handler_scope.hpp>

namespace socketserver::detail {

void Shutdown::start() {
  core_.connections.start_drain();
  const Deadline deadline = Deadline::after(core_.config->timeouts.drain);
  if (deadline.is_never()) return;
  core_.guarded("the drain has no deadline", [&] { core_.background->set_alarm(deadline, [this] { force(); }); });
}

DrainReport Shutdown::run() {
  core_.lifecycle.wait_until_draining();
  core_.guarded("stopping",
                [this] { core_.log.info(concat("stopping: ", core_.connections.active(), " connections to drain")); });
  core_.background->end_input_waits();
  {
    const HandlerScope scope(core_.server);
    core_.guarded("accepting those that wait", [this] { accept_loop_.accept_rest(over_); });
  }
  const std::size_t left = core_.listener->listening() ? core_.listener->waiting() : 0;
  if (left > 0) {
    core_.guarded("a connection that waited was not accepted", [&] {
      core_.log.warning(concat("drain deadline passed: ", left, " connections could not be accepted"));
    });
  }
  DrainReport report = finish();
  report.forced += left;
  core_.guarded("log lines that were withheld", [this] { core_.log_withheld(); });
  core_.guarded("stopped", [&] {
    core_.log.info(concat("stopped: ", report.drained, " connections drained, ", report.forced, " forced"));
  });
  core_.lifecycle.finish_serving();
  return report;
}

/// The drain deadline has passed. Runs in the background.
void Shutdown::force() {
  const std::size_t aborted = core_.connections.abort_all();
  over_ = true;
  core_.listener->wake();
  if (aborted == 0) return;
  core_.guarded("drain deadline passed", [&] {
    core_.background->set_alarm(Deadline::after(std::chrono::seconds(1)), [this] {
      const HandlerScope scope(core_.server);
      const std::size_t running = core_.connections.active();
      if (running == 0) return;
      core_.guarded("handle_drain_timeout", [&] { core_.hooks.handle_drain_timeout(running); });
    });
    core_.log.warning(concat("drain deadline passed: ", aborted, " connections shut down"));
  });
}

DrainReport Shutdown::finish() {
  core_.listener->close();
  core_.background->end_input_waits();
  core_.policy->join();
  core_.background->allow_input_waits();
  core_.background->cancel_alarm();
  core_.guarded("the end of a drain", [this] { core_.background->finish_lingering(); });
  over_ = false;
  accept_loop_.reset();
  return core_.connections.finish_drain();
}

}  // namespace socketserver::detail
