#include <socketserver/testing/simulation/simulation_checks.hpp>

#include <algorithm>
#include <socketserver/base/text.hpp>

namespace socketserver::testing::detail {
namespace {

using std::chrono::milliseconds;

/// How long an accept may take after there was a client and room: three failures before it are retried after 5, 10 and
/// 20 ms.
constexpr milliseconds kAcceptPatience{40};

bool open_at(const Link& link, TimePoint time) {
  return link.accepted_at && *link.accepted_at <= time && (!link.ended_at || *link.ended_at >= time);
}

class Checks {
 public:
  Checks(const SimulatedRun& run, const std::function<void(std::string)>& fail) : run_(run), fail_(fail) {}

  void all() {
    check_counters();
    check_drain();
    for (const auto& link : run_.network.links()) {
      link_ = link.get();
      check_acceptance();
      if (!link_->accepted_at) continue;
      if (!run_.stopped_at || *link_->accepted_at < *run_.stopped_at) check_room();
      check_clocks();
    }
  }

 private:
  template <typename... Parts>
  void complain(const Parts&... parts) {
    fail_(concat("client ", link_->client, ": ", parts...));
  }
  void require_same(std::string_view what, std::uint64_t counted, std::uint64_t real) {
    if (counted != real) fail_(concat(what, ": the server counts ", counted, ", the network ", real));
  }
  template <typename Predicate>
  std::size_t count(Predicate predicate) const {
    const auto& links = run_.network.links();
    return static_cast<std::size_t>(
        std::count_if(links.begin(), links.end(), [&](const auto& link) { return predicate(*link); }));
  }
  bool rejects() const { return run_.config.concurrency.overflow == Overflow::reject; }
  std::size_t most() const { return run_.config.limits.max_connections; }

  void check_counters() {
    const ServerStats& stats = run_.stats;
    const std::uint64_t closed = stats.served + stats.rejected + stats.timed_out + stats.failed;
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    for (const auto& link : run_.network.links()) {
      in += link->read;
      out += link->answers.size();
    }
    const std::size_t accepted = count([](const Link& link) { return link.accepted_at.has_value(); });
    require_same("accepted", stats.accepted, accepted);
    require_same("closed", closed, accepted);
    require_same("active", stats.active, 0);
    require_same("bytes in", stats.bytes_in, in);
    require_same("bytes out", stats.bytes_out, out);
    require_same("accept errors", stats.accept_errors, run_.network.errors_delivered());
    const std::size_t late = count([](const Link& link) { return link.timed_out && !turned_away(link); });
    if (run_.errors_leave && stats.timed_out < late) require_same("timed out", stats.timed_out, late);
    const std::size_t rejected = count([this](const Link& link) {
      return link.accepted_at && link.open_when_accepted >= most() && turned_away(link);
    });
    if (rejects() && stats.rejected < rejected) require_same("rejected", stats.rejected, rejected);
  }

  void check_drain() {
    if (!run_.stopped_at) return;
    const TimePoint stop = *run_.stopped_at;
    const std::size_t seen = run_.drain.drained + run_.drain.forced;
    const std::size_t least = count([stop](const Link& link) { return link.accepted_at && *link.ended_at > stop; });
    const auto there = [](const Link& link, TimePoint time) {
      return link.accepted_at ? *link.ended_at >= time : link.turned_away_at && *link.turned_away_at >= time;
    };
    const std::size_t most = count([&](const Link& link) { return there(link, stop); });
    if (seen < least || seen > most) fail_(concat("the drain reports ", seen, " connections; there were ", most));
    if (!run_.config.timeouts.drain) return;
    const TimePoint over = stop + *run_.config.timeouts.drain;
    if (run_.ended_at > over) fail_("the drain outlasted its deadline");
    const std::size_t to_the_end = count([&](const Link& link) { return there(link, over); });
    if (run_.drain.forced > to_the_end)
      fail_(concat("the drain reports ", run_.drain.forced, " forced, of ", to_the_end));
  }

  void check_acceptance() {
    if (!run_.stopped_at) return;
    const TimePoint stop = *run_.stopped_at;
    const auto drain = run_.config.timeouts.drain;
    if (link_->turned_away_at && link_->connected_at < stop && (!drain || *link_->turned_away_at < stop + *drain)) {
      complain("came before the stop and was not served");
    }
    const TimePoint by = std::min(link_->accepted_at.value_or(stop), stop);
    const bool room =
        rejects() || count([&](const Link& link) { return &link != link_ && open_at(link, by); }) < most();
    if (link_->connected_at <= by && room && by > could_be_accepted(by) + kAcceptPatience)
      complain("was accepted late");
  }

  /// @returns since when, up to a time, the connection could have been accepted.
  TimePoint could_be_accepted(TimePoint by) const {
    TimePoint since = link_->connected_at;
    if (rejects()) return since;
    for (const auto& other : run_.network.links()) {
      if (!other->ended_at || *other->ended_at > by) continue;
      const TimePoint end = *other->ended_at;
      if (count([end](const Link& link) { return open_at(link, end); }) >= most()) since = std::max(since, end);
    }
    return since;
  }

  void check_room() {
    const bool full = link_->open_when_accepted >= most();
    const bool away = turned_away(*link_) && link_->end != LinkEnd::reset;
    const std::string& message = run_.config.concurrency.reject_message;
    if (full && !rejects()) complain("is one more than max_connections");
    if (full && rejects() && !turned_away(*link_)) complain("was served although the server was full");
    if (!full && away && !run_.verifies) complain("was turned away although there was room");
    if (full && away && link_->capacity >= message.size() && link_->answers != message) {
      complain("was sent \"", escaped(link_->answers), "\" in place of the reject_message");
    }
  }

  void check_clocks() {
    const auto ms = [](TimePoint at) {
      return std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count();
    };
    if (!link_->begun_at) return;
    // The lifetime starts between the accept and the first read.
    const auto own = run_.config.timeouts.lifetime;
    const TimePoint lifetime = own ? *link_->begun_at + *own : TimePoint::max();
    if (link_->ended_at && *link_->ended_at > lifetime) complain("outlived its lifetime");
    const bool exact = !own || link_->accepted_at == link_->begun_at;
    if (!exact || !run_.config.timeouts.write) return;
    for (const Link::WriteWait& wait : link_->write_waits) {
      const TimePoint due = std::min(wait.since + *run_.config.timeouts.write, lifetime);
      if (wait.until > due || (wait.timed_out && wait.until != due)) {
        complain("a send ended at ", ms(wait.until), " ms and not at ", ms(due), " ms");
      }
    }
  }

  const SimulatedRun& run_;
  const std::function<void(std::string)>& fail_;
  const Link* link_ = nullptr;  // the one that is looked at
};

}  // namespace

bool turned_away(const Link& link) noexcept { return !link.begun_at && link.ended_at == link.accepted_at; }

void check_run(const SimulatedRun& run, const std::function<void(std::string)>& fail) { Checks(run, fail).all(); }

}  // namespace socketserver::testing::detail
