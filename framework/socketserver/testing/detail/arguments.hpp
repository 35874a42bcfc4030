#pragma once
// How constructor arguments reach the handlers of tests, which sweeps construct many times.

#include <functional>
#include <memory>
#include <socketserver/server/request.hpp>
#include <type_traits>
#include <utility>

namespace socketserver::testing {

/// Stands for a constructor argument of type T&, with a new T for each run. See fresh().
template <typename T>
struct Fresh {
  std::function<std::unique_ptr<T>()> make;
};

/// @returns an argument that is constructed for each run, so that no run sees another's state: a chat room, scores.
/// @param args  for T's constructor, copied.
template <typename T, typename... Args>
Fresh<T> fresh(Args... args) {
  return {[args...] { return std::make_unique<T>(args...); }};
}

namespace detail {

/// Passes an argument on unchanged.
template <typename T>
struct Argument {
  explicit Argument(std::remove_reference_t<T>& argument) : given(argument) {}
  T&& get() { return static_cast<T&&>(given); }

  std::remove_reference_t<T>& given;
};

template <typename T>
struct MadeArgument {
  explicit MadeArgument(const Fresh<T>& how) : made(how.make()) {}
  T& get() { return *made; }

  std::unique_ptr<T> made;
};

template <typename T>
struct Argument<Fresh<T>> : MadeArgument<T> {
  using MadeArgument<T>::MadeArgument;
};
template <typename T>
struct Argument<Fresh<T>&> : MadeArgument<T> {
  using MadeArgument<T>::MadeArgument;
};
template <typename T>
struct Argument<const Fresh<T>&> : MadeArgument<T> {
  using MadeArgument<T>::MadeArgument;
};

template <typename Handler, typename... Arguments>
void construct_and_run(Request& request, Arguments&&... arguments) {
  Handler handler(arguments.get()...);
  handler.run(request);
}

}  // namespace detail
}  // namespace socketserver::testing
