#pragma once
// Work that blocks its thread (a database call, a large file, a long computation) away from a fiber's loop.

#include <exception>
#include <functional>
#include <optional>
#include <socketserver/base/function.hpp>
#include <socketserver/base/visibility.hpp>
#include <type_traits>
#include <utility>

namespace SOCKETSERVER_PUBLIC socketserver {
namespace detail {

/// Runs the job on a thread that may block, and waits for its end; in place where the caller is a thread.
void run_offloaded(Job job);

}  // namespace detail

/// Calls the function where it may block: for a fiber on a separate thread, while the fiber is suspended; otherwise in
/// place. At most 64 run at a time for a server; more wait for their turn. There is no limit on its time.
/// Inside the function there is no current exception of the caller's, even if the call is in a catch block.
/// @returns what the function returns. @throws what it throws; std::system_error if no thread could be started.
template <typename Function>
auto offload(Function&& function) -> std::invoke_result_t<Function> {
  using Result = std::invoke_result_t<Function>;
  static_assert(!std::is_reference_v<Result>, "offload returns values");
  std::exception_ptr error;
  const auto run = [&error](auto&& call) {
    detail::run_offloaded([&error, &call] {
      try {
        call();
      } catch (...) {
        error = std::current_exception();
      }
    });
    if (error) std::rethrow_exception(std::move(error));
  };
  if constexpr (std::is_void_v<Result>) {
    run([&function] { std::invoke(std::forward<Function>(function)); });
  } else {
    std::optional<Result> result;
    run([&function, &result] { result.emplace(std::invoke(std::forward<Function>(function))); });
    return std::move(*result);
  }
}

}  // namespace socketserver
