#include <socketserver/server/detail/signal_watcher.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>

namespace socketserver::detail {

class SignalWatcher::Loop {
 public:
  explicit Loop(SignalActions actions) : actions_(std::move(actions)) {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &previous_);
    stops_.async_wait([this](std::error_code cancelled, int) {
      if (cancelled) return;
      stops_.async_wait([](std::error_code none, int number) {
        if (!none) std::_Exit(128 + number);
      });
      actions_.stop();
    });
    call_at_each(hang_ups_, actions_.reopen_log);
    call_at_each(requests_, actions_.report);
    thread_ = std::thread([this] { context_.run(); });
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() {
    context_.stop();
    thread_.join();
    ::sigaction(SIGPIPE, &previous_, nullptr);
  }

 private:
  static void call_at_each(asio::signal_set& signals, MoveOnlyFunction<void()>& action) {
    signals.async_wait([&signals, &action](std::error_code cancelled, int) {
      if (cancelled) return;
      action();
      call_at_each(signals, action);
    });
  }

  SignalActions actions_;
  struct sigaction previous_ {};
  asio::io_context context_{1};
  asio::signal_set stops_{context_, SIGINT, SIGTERM};
  asio::signal_set hang_ups_{context_, SIGHUP};
  asio::signal_set requests_{context_, SIGUSR1};
  std::thread thread_;
};

SignalWatcher::SignalWatcher(SignalActions actions) : loop_(std::make_unique<Loop>(std::move(actions))) {}
SignalWatcher::~SignalWatcher() = default;

}  // namespace socketserver::detail
