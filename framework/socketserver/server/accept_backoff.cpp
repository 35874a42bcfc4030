#include <socketserver/server/accept_backoff.hpp>

#include <algorithm>
#include <new>
#include <socketserver/base/text.hpp>

namespace socketserver::detail {
namespace {

using std::chrono::milliseconds;
constexpr Duration kFirstDelay = milliseconds(5);
constexpr Duration kMaxDelay = milliseconds(1000);
constexpr int kLasting = 6;  // some 150 ms of waiting
constexpr Duration kQuiet = milliseconds(1000);

}  // namespace

void AcceptBackoff::failed(std::error_code error) {
  const AcceptError kind = classify_accept_error(error);
  if (kind == AcceptError::fatal) throw std::system_error(error, "accept");
  if (kind == AcceptError::resource || failures_ > 0) {
    delay_ = std::clamp(delay_ * 2, kFirstDelay, kMaxDelay);
    retry_at_ = Deadline::after(delay_, clock_);
  }
  failures_ = kind == AcceptError::resource ? 1 : failures_ + 1;
  ++unsaid_;
  if (!quiet_until_.expired(clock_)) return;
  quiet_until_ = Deadline::after(kQuiet, clock_);
  const char* next = delay_ > Duration::zero() ? "; trying again" : "; going on";
  try {
    log_.warning(concat("accept failed ", unsaid_, unsaid_ == 1 ? " time: " : " times, last: ", error.message(), next));
    unsaid_ = 0;
  } catch (const std::bad_alloc&) {
    log_.warning("accept failed: out of memory");
  }
}

bool AcceptBackoff::lasts() const noexcept { return failures_ >= kLasting; }

}  // namespace socketserver::detail
