#include <socketserver/testing/simulation/simulated_network.hpp>

#include <algorithm>
#include <limits>
#include <list>
#include <numeric>
#include <socketserver/base/text.hpp>
#include <utility>
#include <vector>

namespace socketserver::testing::detail {

using socketserver::detail::AcceptedConnection;
using socketserver::detail::FirstInput;
using socketserver::detail::ListenerSet;

/// Stands in for ListenerSet, call by call: a queue for each entry, from which connections are accepted in turn.
class SimulatedNetwork::SimulatedListener final : public socketserver::detail::Listener {
 public:
  SimulatedListener(SimulatedNetwork& network, std::size_t entries)
      : network_(network), addresses_(entries), queues_(entries) {
    network_.listener_ = this;
  }
  ~SimulatedListener() override {
    close();
    network_.listener_ = nullptr;
  }

  const std::vector<SocketAddress>& addresses() const noexcept override { return addresses_; }
  bool listening() const noexcept override { return listening_; }

  ListenerSet::Event wait(bool connections, Deadline deadline) override {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (std::exchange(woken_, false)) return ListenerSet::Event::woken;
      if (connections && (count() > 0 || !errors_.empty())) return ListenerSet::Event::connection;
      if (deadline.expired()) return ListenerSet::Event::timeout;
      (void)changed_.wait(lock, deadline);
    }
  }

  void wake() noexcept override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
  }

  AcceptedConnection accept() override {
    if (!errors_.empty()) {
      const std::errc error = errors_.front();
      errors_.pop_front();
      ++network_.errors_delivered_;
      network_.trace_.add(0, concat("accept fails: error ", static_cast<int>(error)));
      return {.error = std::make_error_code(error)};
    }
    if (count() == 0) return {.error = std::make_error_code(std::errc::operation_would_block)};
    while (queues_[next_].empty()) next_ = (next_ + 1) % queues_.size();
    const std::size_t listener = std::exchange(next_, (next_ + 1) % queues_.size());
    const std::shared_ptr<Link> link = std::move(queues_[listener].front());
    queues_[listener].pop_front();
    for (const auto& other : network_.links_) {
      if (other->accepted_at && !other->ended_at) ++link->open_when_accepted;
    }
    link->accepted_at = steady_clock().now();
    network_.trace_.add(0, concat("accepts client ", link->client));
    return {.stream = std::make_unique<SimulatedStream>(link, network_.dice_, network_.trace_),
            .peer = {},
            .listener = listener};
  }

  void refuse_new() noexcept override {
    open_ = false;
    network_.refuses_since_ = steady_clock().now();
  }

  std::size_t waiting() noexcept override { return count(); }

  void close() noexcept override {
    listening_ = open_ = false;
    for (Queue& queue : queues_) {
      for (const std::shared_ptr<Link>& link : queue) turn_away(*link);
      queue.clear();
    }
  }

  void reopen() override { listening_ = open_ = true; }
  socketserver::detail::Room start(Logger&, const ServerConfig&, std::string_view, std::size_t most) const override {
    return {most, most};
  }

  bool open() const noexcept { return open_; }
  void arrive(std::shared_ptr<Link> link) {
    const std::lock_guard lock(mutex_);
    Queue& queue = queues_[link->client % queues_.size()];
    queue.push_back(std::move(link));
    changed_.notify_all();
  }
  void fail(std::errc error) {
    const std::lock_guard lock(mutex_);
    errors_.push_back(error);
    changed_.notify_all();
  }

 private:
  using Queue = std::deque<std::shared_ptr<Link>>;

  std::size_t count() const noexcept {
    return std::accumulate(queues_.begin(), queues_.end(), std::size_t{0},
                           [](std::size_t sum, const Queue& queue) { return sum + queue.size(); });
  }
  static void turn_away(Link& link) {
    const std::lock_guard lock(link.mutex);
    if (link.end == LinkEnd::none) {
      link.end = LinkEnd::turned_away;
      link.turned_away_at = steady_clock().now();
    }
    link.changed.notify_all();
  }

  SimulatedNetwork& network_;
  const std::vector<SocketAddress> addresses_;
  std::vector<Queue> queues_;  // of each entry: connected, not accepted
  std::size_t next_ = 0;       // the one to accept from
  std::deque<std::errc> errors_;
  bool listening_ = true;
  bool open_ = true;  // takes new connections
  bool woken_ = false;
  std::mutex mutex_;
  WaitList changed_;
};

/// Stands in for the Housekeeper: the alarm rings in virtual time; nothing lingers, since these connections lose
/// nothing by being closed.
class SimulatedNetwork::SimulatedBackground final : public socketserver::detail::Background {
 public:
  explicit SimulatedBackground(Scheduler& scheduler) : scheduler_(scheduler) {}

  void linger(FileDescriptor, Duration, bool) override {}
  void bound_lingering(std::size_t) override {}
  void shed(std::size_t) noexcept override {}
  std::size_t lingering() const noexcept override { return 0; }
  std::uint64_t lingers_cut() const noexcept override { return 0; }
  void finish_lingering() override {}

  bool await_input(socketserver::detail::ServedStream& stream, Deadline deadline,
                   socketserver::detail::InputAction done) override {
    if (refusing_waits_) return false;
    auto& waited_for = static_cast<SimulatedStream&>(stream);
    waits_.push_back(&waited_for);
    scheduler_.start("a wait for input", [this, &waited_for, deadline, done = std::move(done)]() mutable {
      const FirstInput found = waited_for.await_input(deadline, refusing_waits_);
      waits_.remove(&waited_for);
      done(found);
      const std::lock_guard lock(mutex_);
      --unfinished_waits_;
      changed_.notify_all();
    });
    ++unfinished_waits_;
    return true;
  }
  void end_input_waits() noexcept override {
    refusing_waits_ = true;
    for (SimulatedStream* stream : waits_) stream->wake_waits();
    std::unique_lock lock(mutex_);
    (void)changed_.wait_for(lock, Deadline::never(), [this] { return unfinished_waits_ == 0; });
  }
  void allow_input_waits() noexcept override { refusing_waits_ = false; }

  void set_alarm(Deadline deadline, Job action) override {
    cancel();
    const auto alarm = current_ = std::make_shared<Alarm>();
    alarm->action = std::move(action);
    scheduler_.start("the drain's alarm", [alarm, deadline] {
      std::unique_lock lock(alarm->mutex);
      if (alarm->cancelled || alarm->changed.wait(lock, deadline)) return;
      lock.unlock();
      if (!alarm->cancelled) alarm->action();
    });
  }
  void cancel_alarm() noexcept override { cancel(); }

 private:
  struct Alarm {
    Job action;
    bool cancelled = false;
    std::mutex mutex;
    WaitList changed;
  };

  void cancel() {
    if (current_ == nullptr) return;
    const std::shared_ptr<Alarm> alarm = std::exchange(current_, nullptr);
    const std::lock_guard lock(alarm->mutex);
    alarm->cancelled = true;
    alarm->changed.notify_all();
  }

  Scheduler& scheduler_;
  std::shared_ptr<Alarm> current_;
  std::list<SimulatedStream*> waits_;
  bool refusing_waits_ = false;
  std::size_t unfinished_waits_ = 0;
  std::mutex mutex_;
  WaitList changed_;
};

/// Stands in for the policies: a fiber of the simulation for each connection.
class SimulatedNetwork::SimulatedPolicy final : public Policy {
 public:
  SimulatedPolicy(Scheduler& scheduler, PolicyKind kind) : scheduler_(scheduler), kind_(kind) {}

  std::string describe() const override { return "simulated"; }
  bool starts_on_input() const noexcept override { return kind_ == PolicyKind::pool; }
  std::size_t capacity() const noexcept override { return std::numeric_limits<std::size_t>::max(); }
  using Policy::submit;
  void submit(Job job, JobName name) override {
    ++unfinished_;
    scheduler_.start(name(), [this, job = std::move(job)]() mutable {
      job();
      job = {};
      const std::lock_guard lock(mutex_);
      --unfinished_;
      changed_.notify_all();
    });
  }
  void join() override {
    std::unique_lock lock(mutex_);
    (void)changed_.wait_for(lock, Deadline::never(), [this] { return unfinished_ == 0; });
  }

 private:
  Scheduler& scheduler_;
  const PolicyKind kind_;
  std::size_t unfinished_ = 0;
  std::mutex mutex_;
  WaitList changed_;
};

std::shared_ptr<Link> SimulatedNetwork::connect(std::size_t client, std::size_t capacity) {
  if (listener_ == nullptr || !listener_->open()) return nullptr;
  auto link = std::make_shared<Link>();
  link->client = client;
  link->capacity = capacity;
  links_.push_back(link);
  listener_->arrive(link);
  return link;
}

void SimulatedNetwork::fail_next_accept(std::errc error) {
  if (listener_ != nullptr && listener_->open()) listener_->fail(error);
}

std::unique_ptr<socketserver::detail::Listener> SimulatedNetwork::listen(const std::vector<ListenOptions>& listen,
                                                                         const SocketOptions&) {
  return std::make_unique<SimulatedListener>(*this, listen.size());
}
std::unique_ptr<socketserver::detail::Background> SimulatedNetwork::background(std::size_t) {
  return std::make_unique<SimulatedBackground>(scheduler_);
}
std::unique_ptr<Policy> SimulatedNetwork::policy(const PolicyOptions& options) {
  return std::make_unique<SimulatedPolicy>(scheduler_, options.kind);
}

}  // namespace socketserver::testing::detail
