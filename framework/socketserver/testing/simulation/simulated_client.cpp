#include <socketserver/testing/simulation/simulated_client.hpp>

#include <algorithm>
#include <limits>
#include <socketserver/base/text.hpp>
#include <socketserver/testing/simulation/simulation_checks.hpp>
#include <socketserver/wait/sync.hpp>

namespace socketserver::testing::detail {
namespace {

using std::chrono::milliseconds;

milliseconds some_milliseconds(Dice& dice, std::uint64_t most) { return milliseconds(dice.between(0, most)); }

std::string_view name_of(SimulatedClient::Kind kind) {
  switch (kind) {
    case SimulatedClient::Kind::polite: return "polite";
    case SimulatedClient::Kind::eager: return "eager";
    case SimulatedClient::Kind::silent: return "silent";
    case SimulatedClient::Kind::dripping: return "dripping";
    case SimulatedClient::Kind::deaf: return "deaf";
    case SimulatedClient::Kind::slow: return "slow";
    case SimulatedClient::Kind::reset: break;
  }
  return "reset";
}

}  // namespace

SimulatedClient::SimulatedClient(std::size_t number, Dice& dice, const SimulationOptions& options)
    : number_(number),
      answers_known_(options.answers_known),
      dice_(dice),
      kind_(static_cast<Kind>(dice.between(0, 6))) {
  const std::uint64_t count = dice.between(kind_ == Kind::deaf || kind_ == Kind::dripping ? 1 : 0, 4);
  while (exchanges_.size() < count) exchanges_.push_back(options.exchange(dice.between(0, 1'000'000'000)));
  start_after_ = some_milliseconds(dice, 5000);
  longest_pause_ = some_milliseconds(dice, dice.one_in(3) ? 2000 : 20);
  capacity_ = static_cast<std::size_t>(dice.between(1, dice.one_in(2) ? 16 : 4096));
}

void SimulatedClient::run(SimulatedNetwork& network, Trace& trace) {
  trace_ = &trace;
  sleep_for(start_after_);
  link_ = network.connect(number_, capacity_);
  trace.add(number_, link_ != nullptr ? concat("connects, ", name_of(kind_)) : std::string("is refused"));
  if (link_ == nullptr) return;
  std::uint64_t due = 0;
  for (const Exchange& exchange : exchanges_) {
    if (kind_ == Kind::reset && dice_.one_in(3)) return reset();
    ask(exchange);
    due += exchange.response.size();
    const bool in_turn = kind_ != Kind::eager && kind_ != Kind::deaf && kind_ != Kind::slow;
    if (in_turn) read_until(due);
  }
  quiet_ = !over();
  if (kind_ == Kind::reset) return reset();
  if (kind_ == Kind::polite || kind_ == Kind::eager || kind_ == Kind::slow) end_sending();
  if (kind_ == Kind::dripping) {
    // All but the last byte, over and over the same one if need be: it is never complete.
    const std::string& request = exchanges_.front().request;
    for (std::size_t i = 0; !over() && request.size() > 1; ++i) {
      send(request.substr(std::min(i, request.size() - 2), 1));
      if (i == 0) message_since_ = steady_clock().now();
      sleep_for(std::max<Duration>(longest_pause_, milliseconds(100)));
    }
  }
  if (kind_ == Kind::deaf) return await_end();
  while (kind_ == Kind::slow && take_some()) pause();
  read_until(std::numeric_limits<std::uint64_t>::max());
}

bool SimulatedClient::over() const { return link_->server_eof || link_->end != LinkEnd::none; }

void SimulatedClient::pause() {
  sleep_for(some_milliseconds(dice_, static_cast<std::uint64_t>(longest_pause_.count()) / 1'000'000));
}

void SimulatedClient::send(std::string_view bytes) {
  const std::lock_guard lock(link_->mutex);
  if (over()) return;  // what arrives now is lost
  link_->arrive(bytes);
  trace_->add(number_, concat("sends ", bytes.size()));
  link_->changed.notify_all();
}

void SimulatedClient::ask(const Exchange& exchange) {
  std::string_view left = exchange.request;
  while (!left.empty()) {
    const std::size_t count = dice_.one_in(2) ? left.size() : static_cast<std::size_t>(dice_.between(1, left.size()));
    send(left.substr(0, count));
    left.remove_prefix(count);
    if (dice_.one_in(2)) pause();
  }
}

void SimulatedClient::end_sending() {
  const std::lock_guard lock(link_->mutex);
  if (over()) return;
  link_->client_eof = true;
  trace_->add(number_, "ends its direction");
  link_->changed.notify_all();
}

void SimulatedClient::reset() {
  const std::lock_guard lock(link_->mutex);
  if (link_->end != LinkEnd::none) return;
  link_->end = LinkEnd::reset;
  trace_->add(number_, "resets");
  link_->changed.notify_all();
}

void SimulatedClient::read_until(std::uint64_t bytes) {
  std::unique_lock lock(link_->mutex);
  while (taken_ < bytes) {
    if (!link_->to_client.empty()) {
      taken_ += link_->to_client.size();
      trace_->add(number_, concat("reads ", link_->to_client.size()));
      link_->to_client.clear();
      link_->changed.notify_all();
      continue;
    }
    if (over()) return;
    (void)link_->changed.wait(lock);
  }
}

/// Reads a few bytes. @returns false at the end.
bool SimulatedClient::take_some() {
  std::unique_lock lock(link_->mutex);
  (void)link_->changed.wait_for(lock, Deadline::never(), [this] { return !link_->to_client.empty() || over(); });
  const std::size_t count = std::min<std::size_t>(link_->to_client.size(), dice_.between(1, 8));
  if (count == 0) return false;
  taken_ += count;
  trace_->add(number_, concat("reads ", count));
  link_->to_client.erase(0, count);
  link_->changed.notify_all();
  return true;
}

void SimulatedClient::await_end() {
  std::unique_lock lock(link_->mutex);
  (void)link_->changed.wait_for(lock, Deadline::never(), [this] { return link_->end != LinkEnd::none; });
}

/// @returns what the server owes, at most, for the requests that had arrived when it ended reading.
std::string SimulatedClient::answers_due() const {
  std::string due;
  std::uint64_t asked = 0;
  for (const Exchange& exchange : exchanges_) {
    asked += exchange.request.size();
    if (asked > link_->served.value_or(link_->arrived)) break;
    due += exchange.response;
  }
  return due;
}

/// Whether it was sent what is due. A request that was complete only at the moment when reading ended may lack its
/// answer.
bool SimulatedClient::is_answered() const {
  std::string due;
  std::uint64_t asked = 0;
  for (const Exchange& exchange : exchanges_) {
    asked += exchange.request.size();
    if (asked > link_->served_at_least && link_->answers == due) return true;
    if (asked > link_->served.value_or(link_->arrived)) return false;
    due += exchange.response;
  }
  return link_->answers == due;
}

/// Whether something ended the connection that spares the server from answering.
bool SimulatedClient::excused(const ServerConfig& config) const {
  const auto& lifetime = config.timeouts.lifetime;
  return link_->end != LinkEnd::closed || link_->failed_write ||
         (lifetime && link_->ended_at && *link_->ended_at >= *link_->accepted_at + *lifetime);
}

/// @returns when the server must have closed the connection, where that is known.
std::optional<TimePoint> SimulatedClient::time_due(const ServerConfig& config,
                                                   std::optional<TimePoint> stopped_at) const {
  if (!quiet_ || !link_->begun_at || !stopped_at) return std::nullopt;
  const TimeoutsConfig& timeouts = config.timeouts;
  std::vector<Deadline> ends;
  const auto end = [&ends](TimePoint from, std::optional<milliseconds> timeout) {
    if (timeout) ends.push_back(Deadline::at(from + *timeout));
  };
  if (kind_ == Kind::silent && link_->idle_since) {
    end(*link_->idle_since, timeouts.idle);
    ends.push_back(Deadline::at(std::max(*stopped_at, *link_->idle_since)));
  } else if (kind_ == Kind::dripping && message_since_ && *message_since_ < *stopped_at) {
    end(link_->more_since.value_or(std::max(*message_since_, *link_->begun_at)), timeouts.read);
    end(*stopped_at, timeouts.drain);
  } else {
    return std::nullopt;
  }
  // The lifetime starts between the accept and the first read.
  const bool lifetime_known = !timeouts.lifetime || link_->accepted_at == link_->begun_at;
  end(*link_->accepted_at, timeouts.lifetime);
  const auto first = std::min_element(ends.begin(), ends.end());
  return first == ends.end() || !lifetime_known ? std::nullopt : std::optional(first->time());
}

std::vector<std::string> SimulatedClient::complaints(const ServerConfig& config,
                                                     std::optional<TimePoint> stopped_at) const {
  std::vector<std::string> found;
  const auto complain = [this, &found](auto&&... parts) {
    found.push_back(concat("client ", number_, ": ", parts...));
  };
  if (link_ == nullptr) return found;
  if (!link_->accepted_at) {
    if (link_->end == LinkEnd::none) complain("was neither accepted nor turned away");
    return found;
  }
  if (!link_->ended_at) complain("its connection was never closed");
  if (!answers_known_) return found;
  if (turned_away(*link_)) return found;  // rightly or not: see check_run()
  const std::string due = answers_due();
  const bool right = excused(config) ? due.starts_with(link_->answers) : is_answered();
  if (!right) complain("was owed \"", escaped(due), "\" and was sent \"", escaped(link_->answers), "\"");
  if (excused(config) && link_->end != LinkEnd::aborted) return found;
  const auto time = time_due(config, stopped_at);
  if (time && link_->ended_at && *time != *link_->ended_at) {
    const auto ms = [](TimePoint at) {
      return std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count();
    };
    complain("its connection ended at ", ms(*link_->ended_at), " ms and not at ", ms(*time), " ms");
  }
  return found;
}

}  // namespace socketserver::testing::detail
