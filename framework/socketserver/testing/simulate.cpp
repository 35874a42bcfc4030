#include <socketserver/testing/simulate.hpp>

#include <algorithm>
#include <exception>
#include <list>
#include <optional>
#include <socketserver/base/text.hpp>
#include <socketserver/base/thread_clock.hpp>
#include <socketserver/testing/simulation/simulated_client.hpp>
#include <socketserver/testing/simulation/simulation_checks.hpp>
#include <socketserver/wait/sync.hpp>
#include <stdexcept>
#include <utility>

namespace socketserver::testing {
namespace {

using detail::Dice;
using std::chrono::milliseconds;

/// Limits and timeouts that make something happen within seconds.
ServerConfig varied(ServerConfig config, Dice& dice) {
  const auto some = [&dice](std::uint64_t least, std::uint64_t most) -> std::optional<milliseconds> {
    return milliseconds(dice.between(least, most));
  };
  config.limits.max_connections = static_cast<std::size_t>(dice.one_in(3) ? dice.between(1, 3) : 100);
  config.limits.read_buffer = static_cast<std::size_t>(dice.one_in(2) ? dice.between(16, 64) : 4096);
  config.limits.write_buffer = static_cast<std::size_t>(dice.one_in(2) ? dice.between(0, 32) : 4096);
  config.concurrency.overflow = dice.one_in(2) ? Overflow::reject : Overflow::wait;
  config.concurrency.reject_message = dice.one_in(2) ? "busy\n" : "";
  config.timeouts.idle = some(1, 4000);
  config.timeouts.read = some(1, 4000);
  config.timeouts.write = some(1, 4000);
  config.timeouts.lifetime = dice.one_in(4) ? some(1, 8000) : std::nullopt;
  config.timeouts.drain = some(0, 4000);
  return config;
}

/// One run.
class Simulation {
 public:
  Simulation(std::uint64_t seed, const SimulationOptions& options)
      : options_(options), dice_(seed), scheduler_(dice_.between(0, 1'000'000'000)) {
    report_.seed = seed;
  }

  SimulationReport run(const ServerFactory& make) {
    const socketserver::detail::ThreadClock clock(scheduler_.clock());
    ServerConfig config = options_.vary_config ? varied(options_.config, dice_) : options_.config;
    config.log.level = LogLevel::off;
    config.environment = &network_;
    server_ = make(config);
    const std::uint64_t count = dice_.between(1, 8);
    for (std::size_t number = 1; number <= count; ++number) clients_.emplace_back(number, dice_, options_);
    start(config);
    const bool ended = scheduler_.run();
    if (!ended) {
      std::string who;
      for (const std::string& one : scheduler_.left()) who += concat(who.empty() ? "" : ", ", one);
      fail(concat("it does not come to an end; left are: ", who));
      (void)server_.release();  // suspended fibers that never run again still refer to it
    } else if (error_) {
      std::rethrow_exception(error_);
    } else {
      for (const detail::SimulatedClient& client : clients_) {
        for (std::string& text : client.complaints(config, stopped_at_)) fail(std::move(text));
      }
    }
    report_.trace = trace_.text();
    return std::move(report_);
  }

 private:
  void fail(std::string text) { report_.failures.push_back(std::move(text)); }

  void start(const ServerConfig& config) {
    scheduler_.start("serve_forever", [this, config] {
      try {
        report_.drain = server_->serve_forever();
        trace_.add(0, "has stopped");
      } catch (const std::exception& error) {
        fail(concat("serve_forever threw: ", error.what()));
      }
      try {
        check_end(config);
      } catch (...) {
        error_ = std::current_exception();
      }
      server_.reset();
    });
    scheduler_.start("the stop", [this] {
      sleep_for(milliseconds(dice_.between(0, 10'000)));
      if (server_ == nullptr) return;  // it has stopped before
      stopped_at_ = steady_clock().now();
      trace_.add(0, "is asked to stop");
      server_->request_stop();
    });
    for (detail::SimulatedClient& client : clients_) {
      scheduler_.start("a client", [this, &client] { client.run(network_, trace_); });
    }
    scheduler_.start("accept errors", [this] {
      for (std::uint64_t left = dice_.between(0, 3); left > 0; --left) {
        sleep_for(milliseconds(dice_.between(0, 3000)));
        network_.fail_next_accept(dice_.one_in(2) ? std::errc::too_many_files_open : std::errc::connection_aborted);
      }
    });
  }

  void check_end(const ServerConfig& config) {
    // A handler may have stopped it before.
    if (const auto since = network_.refuses_since()) stopped_at_ = std::min(stopped_at_.value_or(*since), *since);
    const ServerStats stats = report_.stats = server_->stats();
    detail::check_run({.network = network_,
                       .config = config,
                       .stopped_at = stopped_at_,
                       .ended_at = steady_clock().now(),
                       .stats = stats,
                       .drain = report_.drain,
                       .verifies = options_.verifies,
                       .errors_leave = options_.answers_known},
                      [this](std::string text) { fail(std::move(text)); });
    if (!options_.check) return;
    if (std::string text = options_.check(*server_); !text.empty()) fail(std::move(text));
  }

  const SimulationOptions& options_;
  Dice dice_;
  detail::Scheduler scheduler_;
  detail::Trace trace_{scheduler_.clock()};
  detail::SimulatedNetwork network_{scheduler_, dice_, trace_};
  std::list<detail::SimulatedClient> clients_;
  std::unique_ptr<BaseServer> server_;
  std::optional<TimePoint> stopped_at_{};
  std::exception_ptr error_{};  // from what the caller checks
  SimulationReport report_;
};

}  // namespace

SimulationReport simulate_server(std::uint64_t seed, const SimulationOptions& options, const ServerFactory& make) {
  if (!options.exchange) throw std::invalid_argument("SimulationOptions: exchange is empty");
  return Simulation(seed, options).run(make);
}

std::string SimulationReport::text() const {
  std::string text = concat("seed ", seed, failures.empty() ? ": all is well\n" : ":\n");
  for (const std::string& failure : failures) text += concat("  ", failure, "\n");
  return text + trace;
}

}  // namespace socketserver::testing
