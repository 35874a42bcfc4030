#pragma once

#include <pthread.h>

#include <cstddef>

namespace testing_support {

/// While it lives no thread of the process can be started: each would get a larger stack than there are addresses.
class NoThreads {
 public:
  NoThreads() {
    ::pthread_getattr_default_np(&usual_);
    pthread_attr_t too_large{};
    ::pthread_attr_init(&too_large);
    ::pthread_attr_setstacksize(&too_large, std::size_t{1} << 47U);
    ::pthread_setattr_default_np(&too_large);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;
  ~NoThreads() { ::pthread_setattr_default_np(&usual_); }

 private:
  pthread_attr_t usual_{};
};

}  // namespace testing_support
