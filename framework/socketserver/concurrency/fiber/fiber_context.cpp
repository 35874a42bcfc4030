#include <socketserver/concurrency/fiber/fiber_context.hpp>

#include <cxxabi.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstring>
#include <socketserver/base/sanitizers.hpp>
#include <socketserver/concurrency/fiber/stack_overflow.hpp>
#include <type_traits>

#if defined(SOCKETSERVER_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#elif defined(SOCKETSERVER_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace socketserver::detail {

namespace context = boost::context::detail;

FiberContext::FiberContext(std::size_t stack_bytes, Body body, void* argument)
    : stack_(stack_bytes), body_(body), argument_(argument) {
  const auto enter = [](context::transfer_t from) {
    auto& self = *static_cast<FiberContext*>(from.data);
    self.outside_ = from.fctx;
    self.run();
  };
  inside_ = context::make_fcontext(stack_.top(), stack_.usable_bytes(), enter);
#if defined(SOCKETSERVER_ASAN)
  // A mapping that was here before may have left its marks.
  __asan_unpoison_memory_region(stack_.bottom(), stack_.usable_bytes());
#elif defined(SOCKETSERVER_TSAN)
  sanitizers_.thread_inside = __tsan_create_fiber(0);
#endif
}

FiberContext::~FiberContext() {
#if defined(SOCKETSERVER_TSAN)
  __tsan_destroy_fiber(sanitizers_.thread_inside);
#endif
}

void FiberContext::run() noexcept {
#if defined(SOCKETSERVER_ASAN)
  __sanitizer_finish_switch_fiber(nullptr, &sanitizers_.outside_bottom, &sanitizers_.outside_bytes);
#endif
  body_(argument_);
}

void FiberContext::resume() noexcept {
  void* const current = abi::__cxa_get_globals();  // this thread's, and so the same after the switch back
  ExceptionState ours;
  std::memcpy(&ours, current, sizeof ours);
  std::memcpy(current, &exceptions_, sizeof exceptions_);
  StackOverflowReports::running(&stack_);
#if defined(SOCKETSERVER_ASAN)
  void* frames = nullptr;
  __sanitizer_start_switch_fiber(&frames, stack_.bottom(), stack_.usable_bytes());
#elif defined(SOCKETSERVER_TSAN)
  sanitizers_.thread_outside = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(sanitizers_.thread_inside, 0);
#endif
  inside_ = context::jump_fcontext(inside_, this).fctx;
#if defined(SOCKETSERVER_ASAN)
  __sanitizer_finish_switch_fiber(frames, nullptr, nullptr);
#endif
  StackOverflowReports::running(nullptr);
  std::memcpy(&exceptions_, current, sizeof exceptions_);
  std::memcpy(current, &ours, sizeof ours);
}

void FiberContext::suspend([[maybe_unused]] bool keep_frames) noexcept {
#if defined(SOCKETSERVER_ASAN)
  __sanitizer_start_switch_fiber(keep_frames ? &sanitizers_.frames_inside : nullptr, sanitizers_.outside_bottom,
                                 sanitizers_.outside_bytes);
#elif defined(SOCKETSERVER_TSAN)
  __tsan_switch_to_fiber(sanitizers_.thread_outside, 0);
#endif
  outside_ = context::jump_fcontext(outside_, nullptr).fctx;
#if defined(SOCKETSERVER_ASAN)
  __sanitizer_finish_switch_fiber(keep_frames ? sanitizers_.frames_inside : nullptr, &sanitizers_.outside_bottom,
                                  &sanitizers_.outside_bytes);
#endif
}

}  // namespace socketserver::detail
