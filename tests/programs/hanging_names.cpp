// Preloaded: a resolver that never answers for names under "bad.test", and answers for all others with the loopback.
#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>

#include <string_view>

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
  using Real = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Real>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string_view asked = name == nullptr ? "" : name;
  const bool numeric = hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0;
  if (numeric || !asked.ends_with(".test")) return real(name, service, hints, found);
  while (asked.ends_with("bad.test")) ::pause();
  return real("127.0.0.1", service, hints, found);
}
