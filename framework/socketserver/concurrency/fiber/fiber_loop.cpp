#include <socketserver/concurrency/fiber/fiber_loop.hpp>

#include <fcntl.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <new>
#include <socketserver/base/kernel_timeout.hpp>
#include <socketserver/base/last_error.hpp>
#include <socketserver/concurrency/fiber/loop_watchdog.hpp>

namespace socketserver::detail {
namespace {

constinit thread_local const FiberLoop* loop_here = nullptr;

constexpr Duration kBusySlice = std::chrono::milliseconds(1);
// A turn that reaches one of these is long: more than one request and its answer, or more bytes than a usual request.
constexpr unsigned kBusyOperations = 4;
constexpr std::size_t kBusyBytes = 2048;

}  // namespace

FiberLoop::FiberLoop(FiberPool& fibers, WorkerPool& blocking)
    : fibers_(fibers), blocking_(blocking), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw_last_error("a fiber loop");
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, inbox_->descriptor(), &event) != 0) throw_last_error("a fiber loop");
  thread_ = std::thread([this] { run(); });
}

FiberLoop::~FiberLoop() {
  inbox_->stop();
  thread_.join();
  inbox_->close();
  while (LoopWatch* watch = deferred_.pop()) delete watch;
}

void FiberLoop::start(std::unique_ptr<LoopFiber> fiber) noexcept {
  fiber->loop_ = this;
  fiber->state_ = LoopFiber::State::ready;
  load_.fetch_add(1, std::memory_order_relaxed);
  LoopFiber& started = *fiber.release();  // end() takes it back
  if (is_here()) return ready_.push(started);
  inbox_->start(started);
}

void FiberLoop::start(Job job) {
  std::unique_ptr<LoopFiber> fiber = fibers_.take();
  fiber->assign(std::move(job), [] { return std::string("a fiber of the framework"); });
  start(std::move(fiber));
}

void FiberLoop::wake(LoopFiber& fiber) noexcept {
  if (!is_here()) return inbox_->wake(fiber);
  ++fiber.wakes_;
  if (fiber.state_ != LoopFiber::State::parked) return;
  queue(fiber);
}

void FiberLoop::queue(LoopFiber& fiber) noexcept {
  fiber.state_ = LoopFiber::State::ready;
  (fiber.busy_ ? busy_ : ready_).push(fiber);
}

bool FiberLoop::is_here() const noexcept { return loop_here == this; }

void FiberLoop::run() noexcept {
  loop_here = this;
  overflow_reports_.begin();
  for (take_inbox(); load() > 0 || !stopping_; take_inbox()) {
    run_ready();
    run_busy();
    fire_timers();
    wait_for_events();
  }
  overflow_reports_.end();
}

void FiberLoop::take_inbox() {
  if (!inbox_->filled()) return;
  LoopInbox::Content content = inbox_->take();
  stopping_ = content.stopping;
  while (LoopFiber* fiber = content.woken.pop()) wake(*fiber);
  while (LoopFiber* fiber = content.started.pop()) ready_.push(*fiber);
  while (LoopWatch* watch = content.released.pop()) deferred_.push(*watch);
}

/// Resumes the fibers that are ready now; a fiber that becomes ready meanwhile runs after the events.
void FiberLoop::run_ready() {
  LinkedQueue<LoopFiber> turn = std::move(ready_);
  while (LoopFiber* fiber = turn.pop()) resume(*fiber);
}

/// Resumes fibers whose last turn was long: at least one, then more while the slice lasts. So peers that keep their
/// connections busy delay another connection by one slice, regardless of how many there are.
void FiberLoop::run_busy() {
  if (busy_.empty()) return;
  const TimePoint until = steady_clock().now() + kBusySlice;
  do resume(*busy_.pop());
  while (!busy_.empty() && steady_clock().now() < until);
}

void FiberLoop::wait_for_events() {
  while (LoopWatch* watch = deferred_.pop()) delete watch;
  const bool idle = ready_.empty() && busy_.empty() && !(stopping_ && load() == 0);
  const Deadline until = !idle || !inbox_->prepare_to_block() ? Deadline::at_once()
                         : timers_.empty()                    ? Deadline::never()
                                                              : Deadline::at(timers_.begin()->first);
  const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), kernel_timeout(until));
  for (int i = 0; i < count; ++i) {
    prefetch(i, count);
    handle_event(events_[static_cast<std::size_t>(i)]);
  }
}

/// Prefetches the memory of the fibers that run next while others run: with thousands of connections, cache misses are
/// most of a request's cost in this process.
void FiberLoop::prefetch(int next, int count) const noexcept {
  const auto watch = [this, next](int ahead) {
    return static_cast<const LoopWatch*>(events_[static_cast<std::size_t>(next + ahead)].data.ptr);
  };
  if (next + 3 < count) __builtin_prefetch(watch(3));
  if (next + 2 < count && watch(2) != nullptr) __builtin_prefetch(watch(2)->reader_);
  if (next + 1 < count && watch(1) != nullptr && watch(1)->reader_ != nullptr) watch(1)->reader_->prefetch();
}

void FiberLoop::handle_event(const epoll_event& event) {
  constexpr std::uint32_t kOver = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if (event.data.ptr == nullptr) return;  // a wake-up: the inbox is next; an edge needs no reading
  auto& watch = *static_cast<LoopWatch*>(event.data.ptr);
  LoopFiber* reader = nullptr;
  LoopFiber* writer = nullptr;
  if ((event.events & (EPOLLIN | EPOLLPRI | kOver)) != 0) {
    watch.readable = true;
    watch.hung_up = watch.hung_up || (event.events & (kOver | EPOLLPRI)) != 0;
    reader = std::exchange(watch.reader_, nullptr);
  }
  if ((event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    writer = std::exchange(watch.writer_, nullptr);
  }
  if (reader != nullptr) resume_or_queue(*reader);
  if (writer != nullptr) resume_or_queue(*writer);
}

void FiberLoop::resume_or_queue(LoopFiber& fiber) {
  if (!fiber.busy_) return resume(fiber);
  if (fiber.state_ != LoopFiber::State::parked) return;  // another event of the batch came first
  ++fiber.wakes_;                                        // park() returns for it
  queue(fiber);
}

void FiberLoop::fire_timers() {
  if (timers_.empty()) return;
  const TimePoint now = fired_ = steady_clock().now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    LoopFiber& fiber = *timers_.begin()->second;
    const bool parked = fiber.state_ == LoopFiber::State::parked && !fiber.deadline_.is_never();
    if (parked && fiber.deadline_.time() > now) {
      arm(fiber, fiber.deadline_.time());
      continue;
    }
    disarm(fiber);
    if (!parked) continue;
    fiber.timed_out_ = true;
    resume(fiber);
  }
}

/// Moves the timer's node, so that nothing is allocated.
void FiberLoop::arm(LoopFiber& fiber, TimePoint time) noexcept {
  disarm(fiber);
  fiber.timer_ = time;
  fiber.spare_timer_.value().first = time;
  timers_.insert(std::move(fiber.spare_timer_));
}

void FiberLoop::disarm(LoopFiber& fiber) noexcept {
  if (fiber.timer_ == TimePoint::max()) return;
  fiber.spare_timer_ = timers_.extract({std::exchange(fiber.timer_, TimePoint::max()), &fiber});
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
  if (fiber.state_ == LoopFiber::State::ended || fiber.state_ == LoopFiber::State::abandoned) end(fiber);
}

void FiberLoop::end(LoopFiber& fiber) {
  disarm(fiber);
  fiber.wakes_ = 0;
  fiber.busy_ = false;
  fiber.begin_turn();
  { const std::lock_guard lock(ending_); }  // the watchdog no longer reads its name
  std::unique_ptr<LoopFiber> over(&fiber);
  if (fiber.state_ == LoopFiber::State::ended) fibers_.give_back(std::move(over));
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

/// A timer that fires before the deadline is kept, and set again when it fires: so a busy connection sets one timer per
/// timeout period, not one per wait.
bool FiberLoop::park(LoopFiber& fiber, Deadline deadline) {
  fiber.busy_ = fiber.operations_ >= kBusyOperations || fiber.turn_bytes_ >= kBusyBytes;
  fiber.begin_turn();
  fiber.timed_out_ = false;
  if (fiber.wakes_ == 0) {
    fiber.deadline_ = deadline;
    // A deadline in the past is due at the next pass: otherwise a fiber that waits in a loop would starve all others.
    const TimePoint due = std::max(deadline.time(), fired_ + Duration(1));
    if (!deadline.is_never() && due < fiber.timer_) arm(fiber, due);
    fiber.state_ = LoopFiber::State::parked;
    fiber.context_.suspend();
  }
  if (fiber.timed_out_) return false;
  if (fiber.wakes_ > 0) --fiber.wakes_;
  return true;
}

void FiberLoop::give_way(LoopFiber& fiber) {
  fiber.busy_ = true;
  fiber.begin_turn();
  queue(fiber);
  fiber.context_.suspend();
}

void FiberLoop::yield(LoopFiber& fiber) {
  fiber.begin_turn();
  fiber.state_ = LoopFiber::State::ready;
  ready_.push(fiber);
  fiber.context_.suspend();
}

Watch* FiberLoop::watch(int descriptor) noexcept {
  std::unique_ptr<LoopWatch> watch(new (std::nothrow) LoopWatch(*this, inbox_, descriptor, epoll_.get()));
  if (watch == nullptr) errno = ENOMEM;
  return watch != nullptr && watch->add() ? watch.release() : nullptr;
}

bool LoopWatch::add() noexcept {
  epoll_event event{.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = this}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor_, &event) == 0) return true;
  if (errno != EEXIST) return false;
  copy_.reset(::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0));
  descriptor_ = copy_.get();
  return copy_ && ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor_, &event) == 0;
}

void FiberLoop::defer_delete(LoopWatch& watch) noexcept {
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watch.descriptor(), nullptr);
  deferred_.push(watch);
}

bool FiberLoop::owns(const LoopWatch& watch) const noexcept { return watch.is_with(inbox_); }

/// Removes the registration also where the descriptor is closed next: a duplicate in a child process would keep
/// sending events.
void LoopWatch::release() noexcept {
  // No other inbox has this address while this one lives, so the comparison also holds for loops that have ended.
  if (loop_here != nullptr && loop_here->owns(*this)) return loop_.defer_delete(*this);
  const std::shared_ptr<LoopInbox> inbox = inbox_;  // this object may end in it
  inbox->release(*this, epoll_);
}

bool LoopWatch::wait(LoopFiber*& slot, Deadline deadline) {
  LoopFiber& fiber = loop_.running();
  assert(slot == nullptr);
  slot = &fiber;
  const bool woken = fiber.park(deadline);
  slot = nullptr;
  return woken;
}

}  // namespace socketserver::detail
