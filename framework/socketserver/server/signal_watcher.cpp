#include <socketserver/server/signal_watcher.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <socketserver/base/last_error.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <system_error>
#include <thread>
#include <utility>

namespace socketserver::detail {
namespace {

constexpr std::array kActedOn{SIGINT, SIGTERM, SIGHUP, SIGUSR1};
// What a write to a pipe without a reader, or to a file at its size limit, would end the process with.
constexpr std::array kSurvived{SIGPIPE, SIGXFSZ};
constexpr std::size_t kMaxWatchers = 64;

// The handler may use only what is lock-free: each watcher's pipe, as its descriptor and 1; 0 is none.
std::array<std::atomic<int>, kMaxWatchers> pipes{};
std::atomic<int> handling{0};  // handlers that run now
std::atomic<pid_t> process{0};

void tell_watchers(int number) {
  const int before = errno;
  if (::getpid() != process) {  // a child before its exec: the parent is not meant
    (void)::signal(number, SIG_DFL);
    (void)::raise(number);
  } else {
    ++handling;
    const char byte = static_cast<char>(number);
    for (const auto& pipe : pipes) {
      if (const int fd = pipe - 1; fd >= 0) (void)!::write(fd, &byte, 1);  // full: as many are waiting as it holds
    }
    --handling;
  }
  errno = before;
}

/// Unlike SIG_IGN it is not inherited by the programs that a handler starts.
void do_nothing(int) {}

/// The process's dispositions while there is a watcher; what was there before comes back with the last one's end.
class Dispositions {
 public:
  void acquire() {
    const std::lock_guard lock(mutex_);
    if (watchers_++ > 0) return;
    process = ::getpid();
    for (const int number : kActedOn) install(number, tell_watchers);
    for (const int number : kSurvived) install(number, do_nothing);
  }
  void release() noexcept {
    const std::lock_guard lock(mutex_);
    if (--watchers_ > 0) return;
    for (std::size_t i = 0; i < count_; ++i) ::sigaction(before_[i].first, &before_[i].second, nullptr);
    count_ = 0;
  }

 private:
  using Handler = void (*)(int);

  /// A handler's own reads are not interrupted (SA_RESTART). A shell starts `server &` with SIGINT ignored, so that
  /// Ctrl-C does not end it: that stays, and so does what the program itself does about SIGPIPE and SIGXFSZ.
  void install(int number, Handler handler) noexcept {
    struct sigaction before {};
    ::sigaction(number, nullptr, &before);
    const bool is_default = (before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_DFL;
    const bool ignored = (before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_IGN;
    if (number == SIGINT ? ignored : handler == do_nothing && !is_default) return;
    struct sigaction ours {};
    ours.sa_handler = handler;
    ours.sa_flags = SA_RESTART;
    ::sigemptyset(&ours.sa_mask);
    ::sigaction(number, &ours, nullptr);
    before_[count_++] = {number, before};
  }

  std::mutex mutex_;
  int watchers_ = 0;  // guarded by mutex_, as is all below
  std::size_t count_ = 0;
  std::array<std::pair<int, struct sigaction>, kActedOn.size() + kSurvived.size()> before_{};
};

Dispositions& dispositions() {
  static Dispositions all;
  return all;
}

}  // namespace

class SignalWatcher::Loop {
 public:
  explicit Loop(SignalActions actions) : actions_(std::move(actions)) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw_last_error("a pipe for signals");
    read_ = FileDescriptor(ends[0]);
    write_ = FileDescriptor(ends[1]);
    (void)::fcntl(write_.get(), F_SETFL, O_NONBLOCK);
    take_slot();
    try {
      thread_ = std::thread([this] { run(); });
    } catch (...) {
      give_up_slot();
      throw;
    }
    dispositions().acquire();  // last: from the first signal on there is a pipe for it
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() {
    const char end_mark = 0;
    while (::write(write_.get(), &end_mark, 1) < 0) std::this_thread::yield();  // full: it is being emptied
    thread_.join();
    give_up_slot();
    dispositions().release();
  }

 private:
  void take_slot() {
    for (auto& pipe : pipes) {
      int none = 0;
      if (!pipe.compare_exchange_strong(none, write_.get() + 1)) continue;
      slot_ = &pipe;
      return;
    }
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "too many servers for signals");
  }

  void give_up_slot() noexcept {
    *slot_ = 0;
    while (handling > 0) std::this_thread::yield();  // one that has read the slot before
  }

  void run() {
    // The parent may have left them blocked. Here only: a program that a handler starts inherits that handler's mask.
    sigset_t acted_on;
    ::sigemptyset(&acted_on);
    for (const int number : kActedOn) ::sigaddset(&acted_on, number);
    (void)::pthread_sigmask(SIG_UNBLOCK, &acted_on, nullptr);
    for (char byte = 0;;) {
      if (::read(read_.get(), &byte, 1) != 1) continue;
      if (byte == 0) return;
      act(byte);
    }
  }

  void act(int number) {
    if (number == SIGHUP) return actions_.reopen_log();
    if (number == SIGUSR1) return actions_.report();
    if (std::exchange(stopping_, true)) std::_Exit(128 + number);
    actions_.stop();
  }

  SignalActions actions_;
  FileDescriptor read_;
  FileDescriptor write_;
  std::atomic<int>* slot_ = nullptr;
  bool stopping_ = false;
  std::thread thread_;
};

SignalWatcher::SignalWatcher(SignalActions actions) : loop_(std::make_unique<Loop>(std::move(actions))) {}
SignalWatcher::~SignalWatcher() = default;

}  // namespace socketserver::detail
