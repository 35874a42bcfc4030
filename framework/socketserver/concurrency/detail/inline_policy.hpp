#pragma once
// The policy "inline": the thread that accepts runs the handler, and accepts again when it has ended.

#include <limits>
#include <socketserver/concurrency/policy.hpp>

namespace socketserver::detail {

class InlinePolicy final : public Policy {
 public:
  std::size_t capacity() const noexcept override { return std::numeric_limits<std::size_t>::max(); }
  using Policy::submit;
  void submit(Job job, JobName) override { job(); }
  void join() override {}
};

}  // namespace socketserver::detail
