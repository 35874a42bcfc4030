#pragma once
// What the connections of a process, or of the machine, use up together.

#include <optional>
#include <socketserver/observe/stats.hpp>

namespace socketserver::detail {

/// The process's descriptors; nullopt where /proc is not mounted. Looks at each.
std::optional<Budget> descriptors_in_use();
/// The process's look-ups of names under way.
Budget look_ups_in_use();
/// The kernel's memory for TCP in this network namespace, in pages. Source: /proc/net/sockstat; tcp(7), tcp_mem.
std::optional<Budget> tcp_pages_in_use();

}  // namespace socketserver::detail
