// The load generator: one thread that loads a line-by-line upper-case server and checks every byte of its answers.
// Prints one JSON object. Ends with status 1, and says why, if any answer was wrong or missing.

#include <sched.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <system_error>

#include "modes.hpp"
#include "options.hpp"

namespace {

void run_on(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<unsigned>(core), &cores);
  if (sched_setaffinity(0, sizeof cores, &cores) != 0) {
    throw std::system_error(errno, std::generic_category(), "sched_setaffinity");
  }
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

bench::Figures run(const bench::Options& options) {
  if (options.mode == "churn") return run_churn(options);
  if (options.mode == "idle") return run_idle(options);
  return run_steady(options);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::read_options(argc, argv);
  try {
    raise_descriptor_limit();
    if (options.core >= 0) run_on(options.core);
    std::puts(run(options).json().c_str());
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
