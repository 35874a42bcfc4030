#pragma once
// A stack with a function suspended on it, and the switch to it and back: Boost.Context, and the state that a switch
// saves and restores.

#include <cstddef>
#include <socketserver/base/visibility.hpp>
#include <socketserver/concurrency/fiber/stack.hpp>

namespace socketserver::detail {

/// Threads: one resumes it; it runs on that thread.
class SOCKETSERVER_PUBLIC FiberContext {
 public:
  using Body = void (*)(void* argument);

  /// Nothing runs yet. @param body  never returns: it suspends for the last time instead.
  /// @throws std::system_error  as Stack.
  FiberContext(std::size_t stack_bytes, Body body, void* argument);
  FiberContext(const FiberContext&) = delete;
  FiberContext& operator=(const FiberContext&) = delete;
  /// Abandons the suspended function: nothing on its stack is destroyed.
  ~FiberContext();

  /// Runs the function until it suspends. Called from outside.
  void resume() noexcept;
  /// Returns to the caller of resume(). Called from inside.
  /// @param keep_frames  false where nothing on the stack is needed any more.
  void suspend(bool keep_frames = true) noexcept;
  /// Prefetches the innermost frames: the fiber is resumed soon.
  void prefetch() const noexcept {
    const auto* frames = static_cast<const std::byte*>(inside_);
    for (int line = 0; line < 8; ++line) __builtin_prefetch(frames + 64 * line);
  }

 private:
  // What the C++ runtime keeps for each thread about exceptions being handled and thrown: a fiber may wait inside a
  // catch block. Source: the Itanium C++ ABI, exception handling, section 2.2.2.
  struct ExceptionState {
    void* caught = nullptr;
    unsigned int uncaught = 0;
  };
  // How the sanitizers follow a switch; empty without them.
  struct Sanitizers {
    void* frames_inside = nullptr;
    const void* outside_bottom = nullptr;
    std::size_t outside_bytes = 0;
    void* thread_inside = nullptr;
    void* thread_outside = nullptr;
  };

  void run() noexcept;

  Stack stack_;
  Body body_;
  void* argument_;
  void* inside_;             // where to resume, while it is suspended
  void* outside_ = nullptr;  // where resume() was called, while it runs
  ExceptionState exceptions_;
  Sanitizers sanitizers_;
};

}  // namespace socketserver::detail
