#include <socketserver/net/lookup.hpp>

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <socketserver/base/errors.hpp>
#include <socketserver/base/last_error.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/net/connect.hpp>
#include <socketserver/net/shared_use.hpp>
#include <socketserver/wait/detail/wait_list.hpp>
#include <thread>
#include <utility>

namespace socketserver::detail {
namespace {

constexpr std::size_t kMaxLookUps = 16;
constexpr std::size_t kMaxName = 1024;  // NI_MAXHOST less its end; a scope included

class ResolverCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "resolver"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

std::error_code resolver_error(int code) {
  static const ResolverCategory category;
  if (code == EAI_SYSTEM) return last_error();
  return {code, category};
}

/// Without AI_ADDRCONFIG, which hides ::1 where nothing else is IPv6: an address that has no route fails at once
/// anyway.
ResolveResult ask_resolver(const std::string& name, std::uint16_t port) { return look_up(name, port, 0); }

/// The last two labels, whose name servers may be one peer's own: "B.EXAMPLE" of "A.B.EXAMPLE"; all of a shorter name.
std::string domain_of(std::string_view name) {
  const std::size_t last = name.rfind('.');
  const std::size_t before = last == std::string_view::npos || last == 0 ? last : name.rfind('.', last - 1);
  return std::string(before == std::string_view::npos ? name : name.substr(before + 1));
}

/// One spelling of a name: "a.b" of "A.b.".
std::string normalised(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return upper(name);
}

/// One for the process, whose threads it bounds.
Resolver& process_look_ups() {
  static Resolver look_ups(kMaxLookUps, ask_resolver);
  return look_ups;
}

}  // namespace

Budget look_ups_in_use() { return {"look-ups", process_look_ups().under_way(), kMaxLookUps}; }

struct Resolver::State {
  State(std::size_t limit, Resolve function) : most(limit), resolve(std::move(function)) {}

  const std::size_t most;
  const Resolve resolve;
  std::mutex mutex;
  WaitList changed;                                   // guarded by mutex, as are those below
  std::map<std::string, std::size_t> under_way_of;    // each domain's; none is 0
  std::map<Question, std::shared_ptr<LookUp>> asked;  // those under way
};

/// Whether one more name of the domain may be looked up: at most half of the places that other domains leave, so that
/// hanging names of one domain keep places for the others.
bool Resolver::has_place(const State& state, const std::string& domain) {
  const auto found = state.under_way_of.find(domain);
  const std::size_t own = found == state.under_way_of.end() ? 0 : found->second;
  const std::size_t left_by_others = state.most - (state.asked.size() - own);
  return state.asked.size() < state.most && own < std::max<std::size_t>(1, left_by_others / 2);
}

struct Resolver::LookUp {
  bool done = false;  // guarded by the state's mutex, as is found
  ResolveResult found{};
};

Resolver::Resolver(std::size_t most, Resolve resolve) : state_(std::make_shared<State>(most, std::move(resolve))) {}

std::size_t Resolver::under_way() const {
  const std::lock_guard lock(state_->mutex);
  return state_->asked.size();
}

ResolveResult Resolver::find(const std::string& name, std::uint16_t port, Deadline deadline) {
  State& state = *state_;
  const Question question(normalised(name), port);
  std::unique_lock lock(state.mutex);
  const std::string domain = domain_of(question.first);
  const bool turn = state.changed.wait_for(lock, deadline,
                                           [&] { return has_place(state, domain) || state.asked.contains(question); });
  if (!turn) return {.error = std::make_error_code(std::errc::timed_out), .overdue = "too many names are looked up"};
  std::shared_ptr<LookUp>& asked = state.asked[question];  // a name that hangs takes one place, however many ask for it
  if (asked == nullptr) {
    try {
      start(asked = std::make_shared<LookUp>(), name, question, state.under_way_of[domain]);
    } catch (...) {
      state.asked.erase(question);
      std::erase_if(state.under_way_of, [](const auto& entry) { return entry.second == 0; });
      throw;
    }
  }
  const std::shared_ptr<LookUp> look_up = asked;
  const bool done = state.changed.wait_for(lock, deadline, [&look_up] { return look_up->done; });
  if (!done) return {.error = std::make_error_code(std::errc::timed_out), .overdue = "the resolver has not answered"};
  return look_up->found;
}

/// Called with the state's mutex held.
/// @param of_domain  those of its domain; a reference into a map stays while its entry does.
void Resolver::start(const std::shared_ptr<LookUp>& look_up, const std::string& name, const Question& question,
                     std::size_t& of_domain) {
  std::thread thread([state = state_, look_up, name, question, &of_domain] {
    ResolveResult found;
    try {
      found = state->resolve(name, question.second);
    } catch (...) {
      found.error = std::make_error_code(std::errc::not_enough_memory);  // nothing else is thrown there
    }
    const std::lock_guard lock(state->mutex);
    look_up->found = std::move(found);
    look_up->done = true;
    if (--of_domain == 0) state->under_way_of.erase(domain_of(question.first));
    state->asked.erase(question);
    state->changed.notify_all();
  });
  // Detached, since joining would wait for a resolver that hangs, which is what the thread is to spare its caller.
  thread.detach();
  ++of_domain;
}

ResolveResult look_up(const std::string& name, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  const std::string service = std::to_string(port);
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(name.empty() ? nullptr : name.c_str(), service.c_str(), &hints, &list);
  if (code != 0) return {.error = resolver_error(code)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);

  ResolveResult found;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    found.addresses.emplace_back(entry->ai_addr, entry->ai_addrlen);
  }
  return found;
}

std::vector<SocketAddress> loopback(std::uint16_t port) {
  std::vector<SocketAddress> addresses = look_up("127.0.0.1", port, AI_NUMERICHOST).addresses;
  for (const SocketAddress& address : look_up("::1", port, AI_NUMERICHOST).addresses) addresses.push_back(address);
  return addresses;
}

ResolveResult resolve_host(std::string_view host, std::uint16_t port, Deadline deadline) {
  // getaddrinfo would take an empty host for the loopback, and end a name at its first NUL.
  // A "*" it would take for any address, to which Linux connects as to the loopback.
  const bool name =
      !host.empty() && host != "*" && host.size() <= kMaxName && host.find('\0') == std::string_view::npos;
  if (!name) return {.error = resolver_error(EAI_NONAME)};
  // "localhost" is the loopback, also on a system without /etc/hosts. Source: RFC 6761, section 6.3.
  if (host == "localhost") return {.addresses = loopback(port)};
  const std::string text(host);
  ResolveResult numeric = look_up(text, port, AI_NUMERICHOST);
  if (numeric.error != resolver_error(EAI_NONAME)) return numeric;
  return process_look_ups().find(text, port, deadline);
}

}  // namespace socketserver::detail

namespace socketserver {

std::vector<SocketAddress> resolve(std::string_view host, std::uint16_t port, Deadline deadline) {
  const std::string failure = concat("cannot look up \"", escaped(host), "\"");
  detail::ResolveResult found;
  try {
    found = detail::resolve_host(host, port, deadline);
  } catch (const std::system_error& error) {
    throw StreamError(error.code(), concat(failure, ": no thread to look the name up"));
  }
  if (!found.overdue.empty()) throw TimeoutError(concat(failure, " (", found.overdue, ")"));
  if (found.error) throw StreamError(found.error, failure);
  return std::move(found.addresses);
}

}  // namespace socketserver
