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
  explicit Loop(Job on_first_signal) : on_first_signal_(std::move(on_first_signal)) {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &previous_);
    signals_.async_wait([this](std::error_code cancelled, int) {
      if (cancelled) return;
      signals_.async_wait([](std::error_code none, int number) {
        if (!none) std::_Exit(128 + number);
      });
      on_first_signal_();
    });
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
  Job on_first_signal_;
  struct sigaction previous_ {};
  asio::io_context context_{1};
  asio::signal_set signals_{context_, SIGINT, SIGTERM};
  std::thread thread_;
};

SignalWatcher::SignalWatcher(Job on_first_signal) : loop_(std::make_unique<Loop>(std::move(on_first_signal))) {}
SignalWatcher::~SignalWatcher() = default;

}  // namespace socketserver::detail
