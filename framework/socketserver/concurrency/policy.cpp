#include <socketserver/concurrency/policy.hpp>

#include <socketserver/concurrency/detail/fiber_policy.hpp>
#include <socketserver/concurrency/detail/inline_policy.hpp>
#include <socketserver/concurrency/detail/pool_policy.hpp>
#include <socketserver/concurrency/detail/thread_policy.hpp>

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
