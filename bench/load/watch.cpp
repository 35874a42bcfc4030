#include "watch.hpp"

#include <cerrno>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace bench {

std::chrono::nanoseconds cpu_time(pid_t process) {
  clockid_t clock = 0;
  if (const int error = clock_getcpuclockid(process, &clock)) {
    throw std::system_error(error, std::generic_category(), "the server's CPU clock");
  }
  timespec time{};
  if (clock_gettime(clock, &time) != 0) {
    throw std::system_error(errno, std::generic_category(), "the server's CPU clock");
  }
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Memory memory(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/smaps_rollup");
  Memory found{};
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Rss:")) found.resident_kib = std::stoull(line.substr(4));
    if (line.starts_with("Pss:")) found.proportional_kib = std::stoull(line.substr(4));
  }
  if (found.resident_kib == 0) throw std::runtime_error("the server's memory cannot be read");
  return found;
}

}  // namespace bench
