#include <socketserver/server/housekeeper.hpp>

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
#include <iterator>
#include <list>
#include <mutex>
#include <new>
#include <socketserver/net/socket_options.hpp>
#include <socketserver/server/client_network.hpp>
#include <socketserver/server/input_waits.hpp>
#include <thread>
#include <unordered_map>
#include <utility>

namespace socketserver::detail {
namespace {

constexpr int kLooks = 64;  // at the oldest, for the least valuable of them
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
  int unread = 0;
  return has_unsent(fd) || ::ioctl(fd, SIOCINQ, &unread) != 0 || unread > 0;
}

std::uint64_t client_of(int fd) {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) return 0;
  return client_network({reinterpret_cast<const sockaddr*>(&peer), length});
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
      if (lingering_count_ >= 2 * most_lingering_) {  // the loop's thread does not keep up
        ++cut_;
        return;
      }
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

  void bound_lingering(std::size_t most) { most_lingering_ = most; }

  void shed(std::size_t count) noexcept {
    try {
      asio::post(context_, [this, count] {
        for (std::size_t i = 0; i < count && !lingering_.empty(); ++i) cut(least_valuable());
      });
    } catch (const std::bad_alloc&) {
      // The next failed accept asks again.
    }
  }

  std::size_t lingering() const {
    const std::lock_guard lock(mutex_);
    return lingering_count_;
  }
  std::uint64_t lingers_cut() const noexcept { return cut_; }

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

  InputWaits& input_waits() noexcept { return input_waits_; }

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
        : socket(context, fd.get()), timer(context), hold_fin(held), client(client_of(fd.get())) {
      (void)fd.release();
    }
    bool has_unsent() { return socketserver::has_unsent(socket.native_handle()); }

    asio::posix::stream_descriptor socket;
    asio::steady_timer timer;
    const bool hold_fin;
    const std::uint64_t client;
    bool ended = false;
    std::list<std::shared_ptr<Lingering>>::iterator position;
  };
  using LingeringPtr = std::shared_ptr<Lingering>;

  void start(FileDescriptor fd, Duration time, bool hold_fin) {
    std::list<LingeringPtr> made;
    try {
      made.push_back(std::make_shared<Lingering>(context_, std::move(fd), hold_fin));
      ++clients_[made.front()->client];
    } catch (const std::exception&) {
      return count_end();
    }
    const LingeringPtr one = made.front();
    lingering_.splice(lingering_.end(), made);
    one->position = std::prev(lingering_.end());
    while (lingering_.size() > most_lingering_) cut(least_valuable());
    if (one->ended) return;
    try {
      begin(one, time);
    } catch (const std::exception&) {
      end(one);
    }
  }

  void begin(const LingeringPtr& one, Duration time) {
    one->timer.expires_after(time);
    one->timer.async_wait([this, one](std::error_code) { give_up(one); });
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

  /// The oldest whose peer has acknowledged all; if there is none, the oldest of the client that has most. Looks at a
  /// bounded number.
  LingeringPtr least_valuable() {
    LingeringPtr found = lingering_.front();
    int looks = 0;
    for (const LingeringPtr& one : lingering_) {
      if (++looks > kLooks) break;
      if (!one->has_unsent()) return one;
      if (clients_[one->client] > clients_[found->client]) found = one;
    }
    return found;
  }

  void cut(const LingeringPtr& one) {
    ++cut_;
    give_up(one);
  }

  /// Closes it. What its peer has not read is dropped: it would stay in the kernel for minutes.
  void give_up(const LingeringPtr& one) {
    if (one->ended) return;
    if (one->has_unsent()) reset_on_close(one->socket.native_handle());
    end(one);
  }

  void end(const LingeringPtr& one) {
    if (std::exchange(one->ended, true)) return;
    lingering_.erase(one->position);
    const auto client = clients_.find(one->client);
    if (--client->second == 0) clients_.erase(client);
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

  mutable std::mutex mutex_;
  std::condition_variable none_left_;
  std::atomic<std::size_t> most_lingering_;
  std::atomic<std::uint64_t> cut_{0};
  std::size_t lingering_count_ = 0;  // guarded by mutex_; counts from linger(), before the loop has seen it

  asio::io_context context_{1};
  InputWaits input_waits_;                                  // has a loop of its own
  std::list<LingeringPtr> lingering_;                       // by age; the loop's thread only, as the timers
  std::unordered_map<std::uint64_t, std::size_t> clients_;  // lingering sockets of each
  std::atomic<bool> finishing_{false};                      // finish_lingering() waits
  bool look_is_due_ = false;                                // next_look_ is set
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
void Housekeeper::bound_lingering(std::size_t most) { loop_->bound_lingering(most); }
void Housekeeper::shed(std::size_t count) noexcept { loop_->shed(count); }
std::size_t Housekeeper::lingering() const noexcept { return loop_->lingering(); }
std::uint64_t Housekeeper::lingers_cut() const noexcept { return loop_->lingers_cut(); }
void Housekeeper::finish_lingering() { loop_->finish_lingering(); }
bool Housekeeper::await_input(ServedStream& stream, Deadline deadline, InputAction done) {
  return loop_->input_waits().await(stream, deadline, std::move(done));
}
void Housekeeper::end_input_waits() noexcept { loop_->input_waits().end_all(); }
void Housekeeper::allow_input_waits() noexcept { loop_->input_waits().allow(); }
void Housekeeper::set_alarm(Deadline deadline, Job action) { loop_->set_alarm(deadline, std::move(action)); }
void Housekeeper::cancel_alarm() noexcept { loop_->cancel_alarm(); }

}  // namespace socketserver::detail
