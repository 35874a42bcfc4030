#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <future>
#include <socketserver/base/sanitizers.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <socketserver/server/signal_watcher.hpp>
#include <thread>

#include "support/catch.hpp"
#include "support/eventually.hpp"

using socketserver::FileDescriptor;
using socketserver::detail::SignalWatcher;
using testing_support::eventually;

namespace {

struct sigaction disposition(int number) {
  struct sigaction now {};
  ::sigaction(number, nullptr, &now);
  return now;
}

/// Sets a disposition for a test's time.
class Disposition {
 public:
  Disposition(int number, void (*handler)(int)) : number_(number), before_(disposition(number)) {
    ::signal(number, handler);
  }
  Disposition(const Disposition&) = delete;
  Disposition& operator=(const Disposition&) = delete;
  ~Disposition() { ::sigaction(number_, &before_, nullptr); }

 private:
  const int number_;
  const struct sigaction before_;
};

void mine(int) {}

}  // namespace

TEST_CASE("the program's own signal handlers are back after the last watcher") {
  const Disposition terminate(SIGTERM, mine);
  const Disposition report(SIGUSR1, mine);
  const Disposition hang_up(SIGHUP, SIG_IGN);
  {
    auto first = std::make_unique<SignalWatcher>(socketserver::detail::SignalActions{.stop = [] {}});
    const SignalWatcher second({.stop = [] {}});
    first.reset();
    CHECK(disposition(SIGTERM).sa_handler != mine);
  }
  CHECK(disposition(SIGTERM).sa_handler == mine);
  CHECK(disposition(SIGUSR1).sa_handler == mine);
  CHECK(disposition(SIGHUP).sa_handler == SIG_IGN);
}

#if !defined(SOCKETSERVER_TSAN)  // under which no signal reaches a thread that has unblocked it itself
TEST_CASE("signals that were blocked or ignored at the start are acted on, but for an ignored SIGINT") {
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  for (const int number : {SIGTERM, SIGUSR1, SIGHUP}) ::sigaddset(&blocked, number);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  {
    const Disposition interrupt(SIGINT, SIG_IGN);
    const Disposition terminate(SIGTERM, SIG_IGN);
    std::atomic<int> stops{0};
    std::atomic<int> reports{0};
    std::atomic<int> reopenings{0};
    const SignalWatcher watcher({.stop = [&stops] { ++stops; },
                                 .reopen_log = [&reopenings] { ++reopenings; },
                                 .report = [&reports] { ++reports; }});
    CHECK(disposition(SIGINT).sa_handler == SIG_IGN);
    ::kill(::getpid(), SIGINT);
    ::kill(::getpid(), SIGUSR1);
    CHECK(eventually([&] { return reports == 1; }));
    ::kill(::getpid(), SIGHUP);
    CHECK(eventually([&] { return reopenings == 1; }));
    ::kill(::getpid(), SIGTERM);
    CHECK(eventually([&] { return stops == 1; }));
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}
#endif

TEST_CASE("a handler's own read is not interrupted by a signal to the server") {
  const SignalWatcher watcher({.stop = [] {}, .reopen_log = [] {}, .report = [] {}});
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const FileDescriptor from(ends[0]);
  const FileDescriptor to(ends[1]);
  std::atomic<bool> reading{false};
  auto result = std::async(std::launch::async, [&from, &reading] {
    char byte = 0;
    reading = true;
    return ::read(from.get(), &byte, 1);
  });
  CHECK(eventually([&] { return reading.load(); }));
  for (int i = 0; i < 100; ++i) ::kill(::getpid(), i % 2 == 0 ? SIGHUP : SIGUSR1);
  REQUIRE(::write(to.get(), "x", 1) == 1);
  CHECK(result.get() == 1);
  CHECK((disposition(SIGTERM).sa_flags & SA_RESTART) != 0);
  CHECK((disposition(SIGUSR1).sa_flags & SA_RESTART) != 0);
}

TEST_CASE("SIGPIPE and SIGXFSZ end nothing, and a program that is started has the defaults") {
  const Disposition pipe(SIGPIPE, SIG_DFL);
  const Disposition size(SIGXFSZ, SIG_DFL);
  const SignalWatcher watcher({.stop = [] {}});
  for (const int number : {SIGPIPE, SIGXFSZ}) {
    ::raise(number);
    CHECK(disposition(number).sa_handler != SIG_IGN);  // which exec would keep
  }
}
