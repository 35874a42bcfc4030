#pragma once
// What the server spends, seen from outside: its CPU time and its memory.

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace bench {

/// @returns user and system time of all of a process's threads, ended ones too (clock_getcpuclockid(3)).
/// @throws std::system_error  there is no such process
std::chrono::nanoseconds cpu_time(pid_t process);

struct Memory {
  std::uint64_t resident_kib;
  std::uint64_t proportional_kib;  // pages shared with other processes counted in part
};

/// @returns what /proc/PID/smaps_rollup says.
/// @throws std::runtime_error  it cannot be read
Memory memory(pid_t process);

}  // namespace bench
