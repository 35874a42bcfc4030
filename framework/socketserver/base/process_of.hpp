#pragma once
// A process that has been forked has none of its parent's threads, so nothing may wait for them.

#include <unistd.h>

namespace socketserver::detail {

/// The process that an object was made in.
class ProcessOf {
 public:
  /// Whether it is this one, and not a parent that has forked since.
  bool is_this() const noexcept { return ::getpid() == id_; }

 private:
  const pid_t id_ = ::getpid();
};

}  // namespace socketserver::detail
