#include <socketserver/concurrency/detail/fiber_loop.hpp>

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <socketserver/concurrency/detail/loop_watchdog.hpp>
#include <socketserver/concurrency/detail/stack_overflow.hpp>
#include <system_error>

namespace socketserver::detail {
namespace {

constinit thread_local const FiberLoop* loop_here = nullptr;

[[noreturn]] void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

FiberLoop::FiberLoop(FiberPool& fibers, BlockingPool& blocking)
    : fibers_(fibers),
      blocking_(blocking),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!epoll_ || !wake_) throw_errno("a fiber loop");
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) throw_errno("a fiber loop");
  thread_ = std::thread([this] { run(); });
}

FiberLoop::~FiberLoop() {
  post([](Inbox& inbox) { inbox.stopping = true; });
  thread_.join();
  for (LoopWatch* watch : inbox_.released) delete watch;
}

/// Changes the inbox and has the loop look at it.
template <typename Change>
void FiberLoop::post(Change change) noexcept {
  const std::lock_guard lock(inbox_.mutex);
  change(inbox_);
  inbox_.filled = true;
  if (!inbox_.sleeping.exchange(false)) return;
  (void)::eventfd_write(wake_.get(), 1);  // under the lock: after it this loop may be gone
}

void FiberLoop::start(std::unique_ptr<LoopFiber> fiber) {
  fiber->loop_ = this;
  fiber->state_ = LoopFiber::State::ready;
  load_.fetch_add(1, std::memory_order_relaxed);
  post([&fiber](Inbox& inbox) { inbox.started.push_back(std::move(fiber)); });
}

void FiberLoop::wake(LoopFiber& fiber) noexcept {
  if (!is_here()) return post([&fiber](Inbox& inbox) { inbox.woken.push_back(&fiber); });
  ++fiber.wakes_;
  if (fiber.state_ != LoopFiber::State::parked) return;
  fiber.state_ = LoopFiber::State::ready;
  ready_.push_back(&fiber);
}

bool FiberLoop::is_here() const noexcept { return loop_here == this; }

void FiberLoop::run() noexcept {
  loop_here = this;
  const StackOverflowReports reports;
  for (take_inbox(); load() > 0 || !stopping_; take_inbox()) {
    run_ready();
    fire_timers();
    wait_for_events();
  }
}

void FiberLoop::take_inbox() {
  if (!inbox_.filled.load(std::memory_order_relaxed)) return;
  std::vector<std::unique_ptr<LoopFiber>> started;
  std::vector<LoopFiber*> woken;
  std::vector<LoopWatch*> released;
  {
    const std::lock_guard lock(inbox_.mutex);
    inbox_.filled = false;
    started.swap(inbox_.started);
    woken.swap(inbox_.woken);
    released.swap(inbox_.released);
    stopping_ = inbox_.stopping;
  }
  for (LoopFiber* fiber : woken) wake(*fiber);
  for (std::unique_ptr<LoopFiber>& fiber : started) ready_.push_back(fiber.release());  // end() takes it back
  for (LoopWatch* watch : released) retired_.emplace_back(watch);
}

/// Resumes those that are ready now; who becomes ready meanwhile comes after the events.
void FiberLoop::run_ready() {
  turn_.swap(ready_);
  for (LoopFiber* fiber : turn_) resume(*fiber);
  turn_.clear();
}

void FiberLoop::wait_for_events() {
  retired_.clear();
  const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                                 may_sleep() ? wait_milliseconds() : 0);
  for (int i = 0; i < count; ++i) {
    prefetch(i, count);
    deal_with(events_[static_cast<std::size_t>(i)]);
  }
}

/// Whether there is nothing to do but wait. Who posts from now on will say so: either the inbox is seen to be filled
/// here, or the poster sees that the loop sleeps, since each first says its own and then looks at the other's.
bool FiberLoop::may_sleep() noexcept {
  if (!ready_.empty() || (stopping_ && load() == 0)) return false;
  inbox_.sleeping = true;
  if (!inbox_.filled) return true;
  inbox_.sleeping = false;
  return false;
}

/// Has the memory of the connections that come next fetched while others run: with thousands of them, waiting for it is
/// what a request costs in this process.
void FiberLoop::prefetch(int next, int count) const noexcept {
  const auto watch = [this, next](int ahead) {
    return static_cast<const LoopWatch*>(events_[static_cast<std::size_t>(next + ahead)].data.ptr);
  };
  if (next + 3 < count) __builtin_prefetch(watch(3));
  if (next + 2 < count && watch(2) != nullptr) __builtin_prefetch(watch(2)->reader_);
  if (next + 1 < count && watch(1) != nullptr && watch(1)->reader_ != nullptr) watch(1)->reader_->prefetch();
}

/// @returns until the next timer, rounded up so that it is due then.
int FiberLoop::wait_milliseconds() const {
  if (timers_.empty()) return -1;
  const Duration left =
      std::clamp<Duration>(timers_.begin()->first - steady_clock().now(), Duration::zero(), std::chrono::hours(24));
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

void FiberLoop::deal_with(const epoll_event& event) {
  constexpr std::uint32_t kOver = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if (event.data.ptr == nullptr) return;  // woken: the inbox is looked at next; the edge needs no reading
  auto& watch = *static_cast<LoopWatch*>(event.data.ptr);
  LoopFiber* reader = nullptr;
  LoopFiber* writer = nullptr;
  if ((event.events & (EPOLLIN | kOver)) != 0) {
    watch.readable = true;
    watch.ended = watch.ended || (event.events & kOver) != 0;
    reader = std::exchange(watch.reader_, nullptr);
  }
  if ((event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    watch.writable = true;
    writer = std::exchange(watch.writer_, nullptr);
  }
  if (reader != nullptr) resume(*reader);
  if (writer != nullptr) resume(*writer);
}

void FiberLoop::fire_timers() {
  if (timers_.empty()) return;
  const TimePoint now = steady_clock().now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    LoopFiber& fiber = *timers_.begin()->second;
    disarm(fiber);
    if (fiber.state_ != LoopFiber::State::parked || fiber.deadline_.is_never()) continue;
    if (fiber.deadline_.time() > now) {
      arm(fiber, fiber.deadline_.time());
    } else {
      fiber.timed_out_ = true;
      resume(fiber);
    }
  }
}

void FiberLoop::arm(LoopFiber& fiber, TimePoint time) {
  disarm(fiber);
  fiber.timer_ = time;
  timers_.emplace(time, &fiber);
}

void FiberLoop::disarm(LoopFiber& fiber) {
  if (fiber.timer_ != TimePoint::max()) timers_.erase({std::exchange(fiber.timer_, TimePoint::max()), &fiber});
}

void FiberLoop::resume(LoopFiber& fiber) {
  resumes_.store(resumes_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  running_.store(&fiber, std::memory_order_release);
  if (LoopWatchdog* watchdog = watchdog_.load(std::memory_order_relaxed)) watchdog->look();
  fiber.state_ = LoopFiber::State::running;
  Execution* const before = exchange_execution(&fiber.execution_);
  fiber.context_.resume();
  exchange_execution(before);
  running_.store(nullptr, std::memory_order_relaxed);
  if (fiber.state_ == LoopFiber::State::ended) end(fiber);
}

void FiberLoop::end(LoopFiber& fiber) {
  disarm(fiber);
  fiber.wakes_ = 0;
  { const std::lock_guard lock(ending_); }  // the watchdog has read what it reads
  fibers_.give_back(std::unique_ptr<LoopFiber>(&fiber));
  load_.fetch_sub(1, std::memory_order_relaxed);
}

FiberLoop::Progress FiberLoop::progress() const noexcept {
  return {.resumes = resumes_.load(std::memory_order_relaxed),
          .running = running_.load(std::memory_order_relaxed) != nullptr};
}

std::optional<std::string> FiberLoop::name_of_running(std::uint64_t resumes) const {
  const std::lock_guard lock(ending_);
  const LoopFiber* fiber = running_.load(std::memory_order_acquire);
  if (fiber == nullptr || resumes_.load(std::memory_order_relaxed) != resumes) return std::nullopt;
  return fiber->name();
}

/// A timer that fires before the deadline is left as it is, and set anew when it fires: so a connection that reads and
/// writes all the time sets one for each length of its timeouts, not for each wait.
bool FiberLoop::park(LoopFiber& fiber, Deadline deadline) {
  fiber.operations_ = 0;
  fiber.timed_out_ = false;
  if (fiber.wakes_ == 0) {
    fiber.deadline_ = deadline;
    if (deadline.time() < fiber.timer_) arm(fiber, deadline.time());
    fiber.state_ = LoopFiber::State::parked;
    fiber.context_.suspend();
  }
  if (fiber.timed_out_) return false;
  if (fiber.wakes_ > 0) --fiber.wakes_;
  return true;
}

void FiberLoop::yield(LoopFiber& fiber) {
  fiber.operations_ = 0;
  fiber.state_ = LoopFiber::State::ready;
  ready_.push_back(&fiber);
  fiber.context_.suspend();
}

Watch& FiberLoop::watch(int descriptor) {
  auto watch = std::make_unique<LoopWatch>(*this, descriptor);
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = watch.get()}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) throw_errno("epoll_ctl");
  return *watch.release();
}

void FiberLoop::release(LoopWatch& watch) noexcept {
  // Also where the descriptor is closed next: a copy of it in a child process would go on sending events.
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watch.descriptor_, nullptr);
  if (is_here()) {
    retired_.emplace_back(&watch);
  } else {
    post([&watch](Inbox& inbox) { inbox.released.push_back(&watch); });
  }
}

bool LoopWatch::wait(LoopFiber*& slot, Deadline deadline) {
  LoopFiber& fiber = loop_.running();
  slot = &fiber;
  const bool woken = fiber.park(deadline);
  slot = nullptr;
  return woken;
}

}  // namespace socketserver::detail
