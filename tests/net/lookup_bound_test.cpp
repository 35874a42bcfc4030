// How many names a process looks up at a time. The resolver is the system's, but for the names that hang in it.

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <cstring>
#include <future>
#include <socketserver/base/errors.hpp>
#include <socketserver/net/connect.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/eventually.hpp"

using namespace socketserver;
using namespace std::chrono_literals;
using testing_support::eventually;

namespace {

std::atomic<int> hanging{0};
std::atomic<bool> answered{false};

}  // namespace

/// In the place of the C library's, which it calls for every name but those that begin with "hangs".
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
  const bool numeric = hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0;
  if (name == nullptr || numeric || std::strncmp(name, "hangs", 5) != 0) {
    static const auto system = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return system(name, service, hints, found);
  }
  ++hanging;
  answered.wait(false);
  --hanging;
  return EAI_NONAME;
}

TEST_CASE("at most 16 names are looked up at a time, and the next one waits for its turn until its deadline") {
  std::vector<std::future<bool>> asking;  // whether there was no such name
  for (int i = 0; i < 16; ++i) {
    asking.push_back(std::async(std::launch::async, [i] {
      try {
        return resolve("hangs-" + std::to_string(i) + ".test", 1, Deadline::never()).empty();
      } catch (const StreamError&) {
        return true;
      }
    }));
  }
  const bool all_asked = eventually([] { return hanging == 16; });
  std::string why;
  try {
    (void)resolve("hangs-too.test", 1, Deadline::after(0s));
  } catch (const TimeoutError& error) {
    why = error.what();
  }
  answered = true;
  answered.notify_all();
  for (auto& one : asking) CHECK(one.get());
  CHECK(all_asked);
  CHECK_THAT(why, ContainsText("too many names are looked up"));
  CHECK(eventually([] { return hanging == 0; }));
}
