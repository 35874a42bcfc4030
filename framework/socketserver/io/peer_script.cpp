#include <socketserver/io/peer_script.hpp>

#include <algorithm>
#include <cstring>
#include <socketserver/base/text.hpp>
#include <utility>

namespace socketserver::detail {
namespace {

std::error_code error(std::errc code) { return std::make_error_code(code); }

std::string shown(std::string_view bytes) { return concat('"', escaped(bytes), '"'); }

/// @returns what was sent, and where it is not what was expected.
std::string comparison(std::string_view expected, std::string_view sent) {
  const auto differing = std::mismatch(sent.begin(), sent.end(), expected.begin(), expected.end());
  return concat("the handler has sent ", shown(sent), ", which differs at byte ", differing.first - sent.begin());
}

}  // namespace

void PeerScript::add(PeerStep step) {
  if (step.kind == Kind::expect) ++expectations_;
  steps_.push_back(std::move(step));
}

void PeerScript::pop() {
  if (steps_.front().kind == Kind::expect) --expectations_;
  steps_.pop_front();
  ++played_;
}

std::string PeerScript::unread() const {
  std::string all;
  for (const PeerStep& step : steps_) {
    if (step.kind == Kind::chunk) all += step.bytes;
  }
  return all;
}

std::optional<IoResult> PeerScript::read(std::span<std::byte> into, Deadline deadline, bool drained,
                                         ManualClock& clock) {
  while (!reset_ && !ended_) {
    (void)meet_expectations();
    require_output();
    met_.reset();
    if (steps_.empty()) return std::nullopt;
    PeerStep& step = steps_.front();
    switch (step.kind) {
      case Kind::chunk:
        if (!step.bytes.empty()) return take_chunk(into);
        pop();
        break;
      case Kind::pause:
        if (drained) return IoResult{};
        if (!silence_passes(deadline, clock)) return IoResult{0, error(std::errc::timed_out)};
        break;
      case Kind::stay:
        if (drained) return IoResult{};
        wait_without_end(deadline, clock);
        return IoResult{0, error(std::errc::timed_out)};
      case Kind::eof:
        ended_ = true;
        pop();
        break;
      case Kind::reset: reset_ = true; break;
      default: switch_reading();
    }
  }
  return reset_ ? IoResult{0, error(std::errc::connection_reset)} : IoResult{};
}

IoResult PeerScript::take_chunk(std::span<std::byte> into) {
  std::string& chunk = steps_.front().bytes;
  const std::size_t bytes = std::min(into.size(), chunk.size());
  std::memcpy(into.data(), chunk.data(), bytes);
  chunk.erase(0, bytes);
  if (chunk.empty()) pop();
  return {bytes, {}};
}

/// Lets the pause at the front pass as far as the deadline allows. @returns false if the deadline came first.
bool PeerScript::silence_passes(Deadline deadline, ManualClock& clock) {
  Duration& length = steps_.front().length;
  const bool endless = length == Duration::max();
  const Duration patience = deadline.remaining(clock);
  if (endless) wait_without_end(deadline, clock);
  if (!endless) clock.advance(std::min(length, patience));
  if (!endless && length > patience) {
    length -= patience;
    return false;
  }
  pop();
  return !endless;
}

void PeerScript::wait_without_end(Deadline deadline, ManualClock& clock) {
  if (deadline.is_never()) fail_here("the handler waits without a deadline");
  clock.advance(deadline.remaining(clock));
}

/// Plays the steps that say whether the peer reads.
void PeerScript::switch_reading() {
  for (; !steps_.empty(); pop()) {
    const Kind kind = steps_.front().kind;
    if (kind != Kind::stop_reading && kind != Kind::resume_reading) return;
    stopped_ = kind == Kind::stop_reading ? played_ + 1 : 0;
  }
}

std::error_code PeerScript::admit(std::string_view bytes, Deadline deadline, ManualClock& clock) {
  if (reset_) return error(std::errc::broken_pipe);
  switch_reading();
  if (stopped_ == 0) return {};
  if (deadline == Deadline::at_once()) return error(std::errc::timed_out);
  while (!steps_.empty() && steps_.front().kind == Kind::pause) {
    if (!silence_passes(deadline, clock)) return error(std::errc::timed_out);
    switch_reading();
    if (stopped_ == 0) return {};
  }
  if (!steps_.empty() && steps_.front().kind == Kind::reset) {
    reset_ = true;
    return error(std::errc::connection_reset);
  }
  if (deadline.is_never()) {
    fail(stopped_, PeerStep::stop_reading(), concat("the handler waits without a deadline to send ", shown(bytes)));
  }
  clock.advance(deadline.remaining(clock));
  return error(std::errc::timed_out);
}

void PeerScript::sent(std::string_view bytes) {
  if (expectations_ == 0 && !met_) return;
  output_ += bytes;
  const bool answered = meet_expectations();
  if (steps_.empty()) return;
  const PeerStep& next = steps_.front();
  if (answered && next.kind == Kind::reset) reset_ = true;
  if (next.kind == Kind::expect && !next.bytes.starts_with(output_)) fail_here(comparison(next.bytes, output_));
}

/// Plays the expectations at the front that have come true. @returns whether there was one.
bool PeerScript::meet_expectations() {
  bool any = false;
  while (!steps_.empty() && steps_.front().kind == Kind::expect && output_.starts_with(steps_.front().bytes)) {
    met_ = steps_.front();
    output_.erase(0, met_->bytes.size());
    pop();
    any = true;
  }
  return any;
}

/// The handler waits for input, so that it has sent all that it was to send.
void PeerScript::require_output() {
  if (!steps_.empty() && steps_.front().kind == Kind::expect) {
    fail_here(concat("the handler has sent ", shown(output_), " and waits for input"));
  }
  require_no_surplus();
}

void PeerScript::require_no_surplus() {
  if (!met_ || output_.empty()) return;
  fail(played_, PeerStep(*met_),
       concat("the handler has sent ", shown(met_->bytes + output_), ", ", output_.size(), " bytes more than that"));
}

void PeerScript::ignore_expectations() {
  std::erase_if(steps_, [](const PeerStep& step) { return step.kind == Kind::expect; });
  expectations_ = 0;
  met_.reset();
}

void PeerScript::verify() {
  if (!error_.empty()) throw ScriptError(error_);
  require_no_surplus();
  for (std::size_t i = 0; i < steps_.size() && expectations_ > 0; ++i) {
    if (steps_[i].kind != Kind::expect) continue;
    fail(played_ + i + 1, PeerStep(steps_[i]), concat("the handler has sent ", shown(output_), " and ended"));
  }
}

void PeerScript::fail(std::size_t number, const PeerStep& step, const std::string& problem) {
  const std::size_t steps = played_ + steps_.size();
  error_ = concat("step ", number, " of ", steps, ", ", step.code(), ": ", problem);
  reset_ = true;
  throw ScriptError(error_);
}

}  // namespace socketserver::detail
