#include <socketserver/server/detail/accept_trouble.hpp>

#include <algorithm>
#include <new>
#include <socketserver/base/text.hpp>

namespace socketserver::detail {
namespace {

using std::chrono::milliseconds;
constexpr Duration kFirstDelay = milliseconds(5);
constexpr Duration kLongestDelay = milliseconds(1000);
constexpr Duration kQuiet = milliseconds(1000);

}  // namespace

void AcceptTrouble::failed(std::error_code error) {
  const AcceptError kind = classify_accept_error(error);
  if (kind == AcceptError::fatal) throw std::system_error(error, "accept");
  if (kind == AcceptError::resource) {
    delay_ = std::clamp(delay_ * 2, kFirstDelay, kLongestDelay);
    retry_at_ = Deadline::after(delay_, clock_);
  }
  ++unsaid_;
  if (!quiet_until_.expired(clock_)) return;
  quiet_until_ = Deadline::after(kQuiet, clock_);
  const char* next = kind == AcceptError::resource ? "; trying again" : "; going on";
  try {
    log_.warning(concat("accept failed ", unsaid_, unsaid_ == 1 ? " time: " : " times, last: ", error.message(), next));
    unsaid_ = 0;
  } catch (const std::bad_alloc&) {
    log_.warning("accept failed for want of memory, even for this line");
  }
}

}  // namespace socketserver::detail
