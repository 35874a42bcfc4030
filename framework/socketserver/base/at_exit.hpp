#pragma once
// What a scope does when it is left, however that happens: also where pthread_exit unwinds its thread.

#include <utility>

namespace socketserver::detail {

template <typename Action>
class AtExit {
 public:
  /// @param action  must not throw.
  explicit AtExit(Action action) : action_(std::move(action)) {}
  AtExit(const AtExit&) = delete;
  AtExit& operator=(const AtExit&) = delete;
  ~AtExit() { action_(); }

 private:
  Action action_;
};

}  // namespace socketserver::detail
