#pragma once
// A callable that can be moved but not copied, so that it may own what it works on.
// (std::move_only_function is C++23.)

#include <memory>
#include <socketserver/base/visibility.hpp>
#include <type_traits>
#include <utility>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Defined for signatures only: MoveOnlyFunction<void(int)>.
template <typename Signature>
class MoveOnlyFunction;

/// Holds any callable R(Args...). Calling an empty one is a bug (it dereferences null).
template <typename R, typename... Args>
class MoveOnlyFunction<R(Args...)> {
 public:
  MoveOnlyFunction() = default;

  /// Keeps the callable: moves an rvalue, copies an lvalue. Implicit, as std::function's.
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, MoveOnlyFunction> && std::is_invocable_r_v<R, F&, Args...>)
      MoveOnlyFunction(F&& callable)  // NOLINT(bugprone-forwarding-reference-overload): constrained above
      : target_(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(callable))) {}

  /// Whether it holds a callable.
  explicit operator bool() const noexcept { return target_ != nullptr; }
  /// Calls it. @throws what it throws. Threads: as safe as the callable itself.
  R operator()(Args... args) { return target_->call(std::forward<Args>(args)...); }

 private:
  struct Target {
    Target() = default;
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;
    virtual ~Target() = default;
    virtual R call(Args... args) = 0;
  };
  template <typename F>
  struct Holder final : Target {
    explicit Holder(F callable) : callable_(std::move(callable)) {}
    R call(Args... args) override { return callable_(std::forward<Args>(args)...); }
    F callable_;
  };

  std::unique_ptr<Target> target_;
};

/// One piece of work, run once.
using Job = MoveOnlyFunction<void()>;

}  // namespace socketserver
