#pragma once
// The one place that waits for a connect(2), on a thread or a fiber.

#include <cstddef>
#include <optional>
#include <socketserver/base/deadline.hpp>
#include <socketserver/net/file_descriptor.hpp>
#include <vector>

namespace socketserver::detail {

/// A connect that the kernel has not decided yet.
struct Pending {
  std::size_t index = 0;  // its address
  FileDescriptor socket{};
  TimePoint begun{};
};

/// Waits until the kernel has decided one of these, not none: SO_ERROR says how.
/// @returns its place among them, nullopt if the deadline passed before. @throws std::system_error.
std::optional<std::size_t> wait_connected(const std::vector<Pending>& pending, Deadline deadline);

}  // namespace socketserver::detail
