#include <socketserver/wait/offload.hpp>

#include <socketserver/wait/execution.hpp>

namespace socketserver::detail {

void run_offloaded(Job job) {
  if (Fiber* fiber = current_fiber()) {
    fiber->offload(std::move(job));
  } else {
    job();
  }
}

}  // namespace socketserver::detail
