#include <socketserver/net/descriptor_room.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>
#include <system_error>
#include <utility>

namespace socketserver::detail {

std::size_t open_descriptors(std::error_code& error) {
  const std::filesystem::directory_iterator all("/proc/self/fd", error);
  return error ? 0 : static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

DescriptorRoom make_descriptor_room(std::size_t connections, std::size_t each) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return {connections, connections, std::numeric_limits<std::size_t>::max(), {}};
  }
  std::error_code unknown;
  const std::size_t others = open_descriptors(unknown) + kDescriptorsKeptBack;
  const auto room_now = [&] { return (std::max<std::size_t>(limit.rlim_cur, others + 2 * each) - others) / each; };
  DescriptorRoom room;
  if (room_now() / 2 < connections && limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) room.raised_from = std::exchange(limit.rlim_cur, limit.rlim_max);
  }
  room.limit = limit.rlim_cur;
  const std::size_t left = room_now() - std::min(room_now(), connections);
  room.lingering = std::min(connections, std::max({left, room_now() / 8, std::size_t{1}}));
  room.connections = std::min(connections, room_now() - room.lingering);
  return room;
}

}  // namespace socketserver::detail
