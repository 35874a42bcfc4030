#include <socketserver/concurrency/policy.hpp>

#include <algorithm>
#include <socketserver/concurrency/fiber/fiber_policy.hpp>
#include <socketserver/concurrency/inline_policy.hpp>
#include <socketserver/concurrency/pool_policy.hpp>
#include <socketserver/concurrency/thread_policy.hpp>
#include <thread>

namespace socketserver {

std::string_view to_string(PolicyKind kind) noexcept {
  switch (kind) {
    case PolicyKind::inline_: return "inline";
    case PolicyKind::thread: return "thread";
    case PolicyKind::pool: return "pool";
    case PolicyKind::fiber: break;
  }
  return "fiber";
}

std::size_t default_threads(PolicyKind kind) noexcept {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());  // 0: not known
  return kind == PolicyKind::pool ? std::max<std::size_t>(cores, 4) : cores;
}

std::unique_ptr<Policy> make_policy(const PolicyOptions& options) {
  switch (options.kind) {
    case PolicyKind::inline_: return std::make_unique<detail::InlinePolicy>();
    case PolicyKind::thread: return std::make_unique<detail::ThreadPolicy>();
    case PolicyKind::pool: return std::make_unique<detail::PoolPolicy>(options.threads, options.queue);
    case PolicyKind::fiber: break;
  }
  return std::make_unique<detail::FiberPolicy>(options.threads, options.stack_size, options.log);
}

}  // namespace socketserver
