#include <algorithm>
#include <random>
#include <socketserver/base/text.hpp>
#include <socketserver/testing/play.hpp>
#include <socketserver/testing/report.hpp>

namespace socketserver::testing::detail {
namespace {

using Cuts = std::vector<std::size_t>;  // offsets in all that the script sends, ascending

/// @returns the script with neighbouring send() steps made one.
Script joined(const Script& script) {
  std::vector<PeerStep> steps;
  for (const PeerStep& step : script.steps()) {
    const bool joins = step.kind == PeerStep::Kind::chunk && !steps.empty() && steps.back().kind == step.kind;
    if (joins) steps.back().bytes += step.bytes;
    if (!joins) steps.push_back(step);
  }
  return Script(std::move(steps));
}

Script cut(const Script& script, const Cuts& cuts) {
  std::vector<PeerStep> steps;
  std::size_t offset = 0;
  auto next = cuts.begin();
  for (const PeerStep& step : script.steps()) {
    steps.push_back(step);
    if (step.kind != PeerStep::Kind::chunk) continue;
    const std::size_t end = offset + step.bytes.size();
    for (; next != cuts.end() && *next < end; ++next) {
      if (*next == offset) continue;
      std::string rest = steps.back().bytes.substr(*next - offset);
      steps.back().bytes.resize(*next - offset);
      steps.emplace_back(std::move(rest));
      offset = *next;
    }
    offset = end;
  }
  return Script(std::move(steps));
}

class ChunkSweep {
 public:
  explicit ChunkSweep(const Subject& subject)
      : subject_(subject), script_(joined(subject.script)), random_(subject.options.seed) {
    for (const PeerStep& step : script_.steps()) {
      if (step.kind == PeerStep::Kind::chunk) bytes_ += step.bytes.size();
    }
    report_.handler = handler_name(subject.type);
    report_.seed = subject.options.seed;
  }

  SweepReport run() {
    expected_ = play({});
    if (!expected_.script_error.empty()) {
      report_.problem = concat("with the input in one piece: ", expected_.script_error);
      report_.test = run_statement(subject_, script_);
      return report_;
    }
    if (bytes_ > 1) (void)(every_cut() && single_bytes() && random_cuts());
    return report_;
  }

 private:
  Played play(const Cuts& cuts) {
    ++report_.runs;
    RunOptions options = subject_.options.run;
    options.fault.reset();
    options.max_operations += 4 * bytes_;  // each byte may come by itself
    return detail::play(options, cut(script_, cuts), subject_.run);
  }

  bool alike(const Played& played) const {
    return played.script_error.empty() && played.run.output == expected_.run.output &&
           error_type(played.run) == error_type(expected_.run);
  }

  // Each of these returns false, and has written the report, once a run is not like the first.
  bool every_cut() {
    const bool all = bytes_ - 1 <= subject_.options.most_cuts;
    const std::size_t places = all ? bytes_ - 1 : subject_.options.most_cuts;
    for (std::size_t i = 1; i <= places; ++i) {
      if (!try_cuts({all ? i : 1 + random_() % (bytes_ - 1)})) return false;
    }
    return true;
  }

  bool single_bytes() {
    Cuts cuts;
    for (std::size_t i = 1; i < bytes_; ++i) cuts.push_back(i);
    return try_cuts(cuts);
  }

  bool random_cuts() {
    for (std::size_t i = 0; i < subject_.options.random_runs; ++i) {
      const std::uint64_t mean = 2 + random_() % 30;  // bytes of a piece
      Cuts cuts;
      for (std::size_t at = 1; at < bytes_; ++at) {
        if (random_() % mean == 0) cuts.push_back(at);
      }
      if (!try_cuts(cuts)) return false;
    }
    return true;
  }

  bool try_cuts(const Cuts& cuts) {
    const Played played = play(cuts);
    if (alike(played)) return true;
    const std::size_t runs = report_.runs;
    const Cuts few = fewer(cuts);
    write_report(few, play(few));
    report_.runs = runs;
    return false;
  }

  /// @returns a part of the cuts that still makes a difference, and from which, but for long inputs, none can be left
  /// out.
  Cuts fewer(Cuts cuts) {
    constexpr std::size_t kMaxTries = 2000;
    std::size_t tries = 0;
    for (std::size_t step = std::max<std::size_t>(cuts.size() / 2, 1);; step /= 2) {
      for (std::size_t at = 0; at < cuts.size() && cuts.size() > 1 && tries < kMaxTries; ++tries) {
        Cuts without = cuts;
        const auto first = without.begin() + static_cast<std::ptrdiff_t>(at);
        without.erase(first, first + static_cast<std::ptrdiff_t>(std::min(step, cuts.size() - at)));
        const bool still = !without.empty() && !alike(play(without));
        if (still) cuts = std::move(without);
        if (!still) at += step;
      }
      if (step == 1) return cuts;
    }
  }

  void write_report(const Cuts& cuts, const Played& played) {
    report_.test = run_statement(subject_, cut(script_, cuts));
    if (played.script_error.empty()) {
      report_.problem = concat("its input cut elsewhere makes a difference", difference(expected_.run, played.run));
      report_.test += expectation(expected_.run, played.run);
    } else {
      report_.problem = concat("its input cut elsewhere makes a difference: ", played.script_error);
    }
  }

  const Subject& subject_;
  const Script script_;
  std::mt19937_64 random_;
  std::size_t bytes_ = 0;
  Played expected_;
  SweepReport report_;
};

}  // namespace

SweepReport sweep_chunks(const Subject& subject) { return ChunkSweep(subject).run(); }

}  // namespace socketserver::testing::detail
