#include <socketserver/net/shared_use.hpp>

#include <sys/resource.h>

#include <fstream>
#include <socketserver/net/descriptor_room.hpp>
#include <string>
#include <system_error>

namespace socketserver::detail {

std::optional<Budget> descriptors_in_use() {
  std::error_code unknown;
  const std::size_t open = open_descriptors(unknown);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  if (unknown == std::errc::too_many_files_open) return Budget{"descriptors", limit.rlim_cur, limit.rlim_cur};
  if (unknown) return std::nullopt;
  return Budget{"descriptors", open - 1, limit.rlim_cur};  // without the one for the look
}

std::optional<Budget> tcp_pages_in_use() {
  std::ifstream limits("/proc/sys/net/ipv4/tcp_mem");
  std::ifstream use("/proc/net/sockstat");
  std::uint64_t low = 0;
  std::uint64_t pressure = 0;
  Budget budget{"kernel TCP pages"};
  if (!(limits >> low >> pressure >> budget.limit)) return std::nullopt;
  for (std::string word; use >> word && word != "TCP:";) {
  }
  for (std::string word; use >> word && word != "mem";) {
  }
  if (!(use >> budget.used)) return std::nullopt;
  return budget;
}

}  // namespace socketserver::detail
