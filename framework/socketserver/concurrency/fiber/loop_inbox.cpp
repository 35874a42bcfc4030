#include <socketserver/concurrency/fiber/loop_inbox.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <memory>
#include <socketserver/base/last_error.hpp>
#include <socketserver/concurrency/fiber/fiber_loop.hpp>
#include <utility>

namespace socketserver::detail {

LoopInbox::LoopInbox() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw_last_error("eventfd");
}

template <typename Change>
void LoopInbox::post(Change change) noexcept {
  const std::lock_guard lock(mutex_);
  change(content_);
  filled_ = true;
  if (sleeping_.exchange(false)) (void)::eventfd_write(wake_.get(), 1);
}

void LoopInbox::start(LoopFiber& fiber) noexcept {
  post([&fiber](Content& content) { content.started.push(fiber); });
}

void LoopInbox::wake(LoopFiber& fiber) noexcept {
  post([&fiber](Content& content) { content.woken.push(fiber); });
}

void LoopInbox::release(LoopWatch& watch, int epoll) noexcept {
  std::unique_ptr<LoopWatch> left;  // its loop has ended
  post([this, &watch, &left, epoll](Content& content) {
    if (closed_) return left.reset(&watch);
    (void)::epoll_ctl(epoll, EPOLL_CTL_DEL, watch.descriptor(), nullptr);
    content.released.push(watch);
  });
}

void LoopInbox::stop() noexcept {
  post([](Content& content) { content.stopping = true; });
}

LoopInbox::Content LoopInbox::take() noexcept {
  const std::lock_guard lock(mutex_);
  filled_ = false;
  const bool stopping = content_.stopping;
  Content taken = std::move(content_);
  content_.stopping = stopping;
  return taken;
}

bool LoopInbox::prepare_to_block() noexcept {
  sleeping_ = true;
  if (!filled_) return true;
  sleeping_ = false;
  return false;
}

void LoopInbox::close() noexcept {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  while (LoopWatch* watch = content_.released.pop()) delete watch;  // a closed inbox takes no more
}

}  // namespace socketserver::detail
