#pragma once
// The policy "inline": the thread that accepts runs the handler, and accepts again when it has ended.

#include <limits>
#include <socketserver/concurrency/policy.hpp>

namespace socketserver::detail {

class InlinePolicy final : public Policy {
 public:
  std::string describe() const override { return "inline"; }
  /// Each connection is served before the next one is accepted.
  std::size_t max_accepts_per_turn() const noexcept override { return 1; }
  std::size_t capacity() const noexcept override { return std::numeric_limits<std::size_t>::max(); }
  using Policy::submit;
  void submit(Job job, JobName) override { job(); }
  void join() override {}
};

}  // namespace socketserver::detail
