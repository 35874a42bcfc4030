#include <socketserver/base/clock.hpp>

#include <socketserver/base/thread_clock.hpp>
#include <utility>

namespace socketserver {
namespace {

class SteadyClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return std::chrono::steady_clock::now(); }
};

constinit const SteadyClock system_steady_clock;  // made by the compiler: a request asks for it several times
constinit thread_local const Clock* thread_clock = nullptr;

}  // namespace

const Clock& steady_clock() noexcept { return thread_clock != nullptr ? *thread_clock : system_steady_clock; }

namespace detail {

ThreadClock::ThreadClock(const Clock& clock) noexcept : before_(std::exchange(thread_clock, &clock)) {}
ThreadClock::~ThreadClock() { thread_clock = before_; }

}  // namespace detail
}  // namespace socketserver
