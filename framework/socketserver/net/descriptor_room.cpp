#include <socketserver/net/detail/descriptor_room.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>
#include <system_error>
#include <utility>

namespace socketserver::detail {
namespace {

std::size_t open_descriptors() {
  std::error_code unknown;
  const std::filesystem::directory_iterator all("/proc/self/fd", unknown);
  return unknown ? 0 : static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

DescriptorRoom make_descriptor_room(std::size_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {connections, std::numeric_limits<std::size_t>::max(), {}};
  const std::size_t others = open_descriptors() + kDescriptorsKeptBack;
  const auto fits = [&] { return limit.rlim_cur >= others && limit.rlim_cur - others >= connections; };
  DescriptorRoom room;
  if (!fits() && limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) room.raised_from = std::exchange(limit.rlim_cur, limit.rlim_max);
  }
  room.limit = limit.rlim_cur;
  room.connections = fits() ? connections : std::max(room.limit, others + 1) - others;
  return room;
}

}  // namespace socketserver::detail
