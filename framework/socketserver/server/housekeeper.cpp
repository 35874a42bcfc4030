#include <socketserver/server/detail/housekeeper.hpp>

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <unordered_set>
#include <utility>

namespace socketserver::detail {
namespace {

constexpr auto kLookInterval = std::chrono::milliseconds(10);

/// Reads and drops a bounded amount of what has arrived. @returns whether the connection can still bring more.
bool drop_input(int fd) {
  constexpr std::size_t kAtOnce = 1 << 20;
  for (int turn = 0; turn < 16; ++turn) {
    // MSG_TRUNC drops without copying. Source: tcp(7).
    const ssize_t dropped = ::recv(fd, nullptr, kAtOnce, MSG_DONTWAIT | MSG_TRUNC);
    if (dropped == 0) return false;
    if (dropped < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  }
  return true;
}

/// Whether closing now could cost the peer a reply: something is not acknowledged, or unread input would reset it.
bool has_something_to_lose(int fd) {
  int unsent = 0;
  int unread = 0;
  return ::ioctl(fd, SIOCOUTQ, &unsent) != 0 || unsent > 0 || ::ioctl(fd, SIOCINQ, &unread) != 0 || unread > 0;
}

}  // namespace

class Housekeeper::Loop {
 public:
  explicit Loop(std::size_t most_lingering)
      : most_lingering_(most_lingering), next_look_(context_), alarm_(context_), thread_([this] { run(); }) {}

  ~Loop() {
    context_.stop();
    thread_.join();
  }

  void linger(FileDescriptor fd, Duration time, bool hold_fin) {
    {
      const std::lock_guard lock(mutex_);
      if (lingering_count_ >= most_lingering_) return;
      ++lingering_count_;
    }
    // Short of memory or of epoll's watches, it is closed without lingering.
    try {
      asio::post(context_,
                 [this, fd = std::move(fd), time, hold_fin]() mutable { start(std::move(fd), time, hold_fin); });
    } catch (const std::bad_alloc&) {
      count_end();
    }
  }

  void finish_lingering() {
    asio::post(context_, [this] {
      {
        const std::lock_guard lock(mutex_);
        finishing_ = lingering_count_ > 0;
      }
      look_at_all();
    });
    std::unique_lock lock(mutex_);
    none_left_.wait(lock, [this] { return lingering_count_ == 0; });
  }

  void set_alarm(Deadline deadline, Job action) {
    const Alarm alarm{++alarms_, deadline, std::make_shared<Job>(std::move(action))};
    asio::post(context_, [this, alarm] { wait_for(alarm); });
  }

  /// Takes no memory: what waits for the alarm's time stays, and finds it cancelled.
  void cancel_alarm() noexcept {
    const std::lock_guard when_none_rings(ringing_);
    ++alarms_;
  }

 private:
  void run() {
    for (;;) {
      try {
        context_.run();
        return;
      } catch (const std::exception&) {
        // No memory to wait for input or to look again: that socket's timer closes it.
      }
    }
  }

  struct Alarm {
    unsigned number;
    Deadline deadline;
    std::shared_ptr<Job> action;
  };

  void wait_for(const Alarm& alarm) {
    while (alarm.number == alarms_) {
      try {
        alarm_.expires_at(alarm.deadline.time());
        alarm_.async_wait([this, alarm](std::error_code cancelled) {
          if (!cancelled) ring(alarm);
        });
        return;
      } catch (const std::bad_alloc&) {
        if (alarm.deadline.expired()) return ring(alarm);
        std::this_thread::sleep_for(kLookInterval);
      }
    }
  }

  void ring(const Alarm& alarm) {
    const std::lock_guard lock(ringing_);
    if (alarm.number == alarms_) (*alarm.action)();
  }

  /// A closing connection. Shared by its two pending operations, the wait for input and the timer: the one that
  /// comes first closes it, and the other is still called.
  struct Lingering {
    Lingering(asio::io_context& context, FileDescriptor fd, bool held)
        : socket(context, fd.get()), timer(context), hold_fin(held) {
      (void)fd.release();
    }
    asio::posix::stream_descriptor socket;
    asio::steady_timer timer;
    const bool hold_fin;
  };
  using LingeringPtr = std::shared_ptr<Lingering>;

  void start(FileDescriptor fd, Duration time, bool hold_fin) {
    LingeringPtr one;
    try {
      one = std::make_shared<Lingering>(context_, std::move(fd), hold_fin);
      lingering_.insert(one);
    } catch (const std::exception&) {
      return count_end();
    }
    try {
      begin(one, time);
    } catch (const std::exception&) {
      end(one);
    }
  }

  void begin(const LingeringPtr& one, Duration time) {
    one->timer.expires_after(time);
    one->timer.async_wait([this, one](std::error_code) { end(one); });
    if (!look_at(one)) look_again_later();
    if (!one->hold_fin) wait_for_input(one);
  }

  void wait_for_input(const LingeringPtr& one) {
    if (!one->socket.is_open()) return;
    if (!drop_input(one->socket.native_handle())) return end(one);
    one->socket.async_wait(asio::posix::stream_descriptor::wait_read, [this, one](std::error_code error) {
      if (error) return end(one);
      wait_for_input(one);
    });
  }

  /// Closes it if that is what it waits for, at a stop or where reading is shut down, and it has nothing to lose.
  /// @returns false if it has to be looked at again: no event tells of acknowledgements.
  bool look_at(const LingeringPtr& one) {
    if (!one->hold_fin && !finishing_) return true;
    (void)drop_input(one->socket.native_handle());
    if (has_something_to_lose(one->socket.native_handle())) return false;
    end(one);
    return true;
  }

  void look_at_all() {
    bool done = true;
    for (auto next = lingering_.begin(); next != lingering_.end();) {
      const LingeringPtr one = *next++;  // which look_at() may take out
      done = look_at(one) && done;
    }
    if (!done) look_again_later();
  }

  void look_again_later() {
    if (look_is_due_) return;
    next_look_.expires_after(kLookInterval);
    next_look_.async_wait([this](std::error_code cancelled) {
      look_is_due_ = false;
      if (!cancelled) look_at_all();
    });
    look_is_due_ = true;
  }

  void end(const LingeringPtr& one) {
    if (lingering_.erase(one) == 0) return;
    std::error_code ignored;  // closing is all that is left to do
    one->socket.close(ignored);
    one->timer.cancel();
    count_end();
  }

  void count_end() {
    const std::lock_guard lock(mutex_);
    if (--lingering_count_ > 0) return;
    finishing_ = false;
    none_left_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable none_left_;
  const std::size_t most_lingering_;
  std::size_t lingering_count_ = 0;  // guarded by mutex_; counts from linger(), before the loop has seen it

  asio::io_context context_{1};
  std::unordered_set<LingeringPtr> lingering_;  // the loop's thread only, as the timers
  std::atomic<bool> finishing_{false};          // finish_lingering() waits
  bool look_is_due_ = false;                    // next_look_ is set
  asio::steady_timer next_look_;
  asio::steady_timer alarm_;
  std::atomic<unsigned> alarms_{0};  // set and cancelled: which one counts
  std::mutex ringing_;
  // Keeps run() from returning while there is nothing to do.
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(context_);
  std::thread thread_;
};

Housekeeper::Housekeeper(std::size_t most_lingering) : loop_(std::make_unique<Loop>(most_lingering)) {}
Housekeeper::~Housekeeper() = default;

void Housekeeper::linger(FileDescriptor socket, Duration time, bool hold_fin) {
  loop_->linger(std::move(socket), time, hold_fin);
}
void Housekeeper::finish_lingering() { loop_->finish_lingering(); }
void Housekeeper::set_alarm(Deadline deadline, Job action) { loop_->set_alarm(deadline, std::move(action)); }
void Housekeeper::cancel_alarm() noexcept { loop_->cancel_alarm(); }

}  // namespace socketserver::detail
