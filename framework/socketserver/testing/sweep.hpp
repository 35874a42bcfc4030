#pragma once
// Runs one handler many times: with its input cut differently, and with each of its operations failing in turn.
//
//   CHECK(sweep_chunks<UpperCaseHandler>("hello\nworld\n"));
//   CHECK(sweep_faults<UpperCaseHandler>("hello\nworld\n"));
//
// The result is true if all runs were good, and otherwise writes what was wrong and the run as a test to paste.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <socketserver/testing/run_handler.hpp>
#include <string>
#include <typeinfo>

namespace socketserver::testing {

/// How much a sweep tries, and with what.
struct SweepOptions {
  RunOptions run{};               ///< of every run; but the sweep chooses the fault
  std::uint64_t seed = 1;         ///< of the random cuts; the same seed makes the same cuts everywhere
  std::size_t random_runs = 200;  ///< with cuts at random places
  /// Runs with one cut, at every byte; of a longer input this many places are tried, chosen by the seed.
  std::size_t most_cuts = 10000;
  /// Counts what a run must release by its end: live objects, members of a room. sweep_faults requires the same number
  /// after each run as before it.
  std::function<std::size_t()> alive{};
};

/// How a sweep went.
struct [[nodiscard]] SweepReport {
  std::string handler;     ///< its type
  std::size_t runs = 0;    ///< until the first that was wrong
  std::uint64_t seed = 0;  ///< of the sweep
  std::string problem;     ///< what was wrong; empty if nothing was
  std::string test;        ///< the statements that show it again

  /// Whether all runs were good.
  explicit operator bool() const noexcept { return problem.empty(); }
  /// @returns how many runs there were and the seed; the problem, if there is one, and the test.
  std::string text() const;
};

/// Writes its text(): for failures of any test framework that prints values by <<.
std::ostream& operator<<(std::ostream& out, const SweepReport& report);

namespace detail {

/// What a sweep runs.
struct Subject {
  const std::type_info& type;
  bool has_arguments;
  bool has_options;
  const SweepOptions& options;
  const Script& script;
  std::function<void(Request&)> run;
};

SweepReport sweep_chunks(const Subject& subject);
SweepReport sweep_faults(const Subject& subject);

template <typename Handler, typename... Args>
Subject subject(bool has_options, const SweepOptions& options, const Script& script, Args&... args) {
  return {
      typeid(Handler), sizeof...(Args) > 0,
      has_options,     options,
      script,          [&args...](Request& request) { construct_and_run<Handler>(request, Argument<Args&>(args)...); }};
}

}  // namespace detail

/// Whether what a handler sends depends on how TCP cuts its input: in one piece for each send(), then cut at every
/// byte, in single bytes, and at random places. The output, the type of an exception that leaves it, and what the
/// script expects must be the same. The smallest cut that shows a difference is reported.
/// @param args  for the handler's constructor, in every run: wrap what it modifies in fresh<T>().
template <typename Handler, typename... Args>
SweepReport sweep_chunks(const SweepOptions& options, const Script& script, Args&&... args) {
  return detail::sweep_chunks(detail::subject<Handler>(true, options, script, args...));
}

/// The same with SweepOptions' defaults.
template <typename Handler, typename... Args>
SweepReport sweep_chunks(const Script& script, Args&&... args) {
  const SweepOptions options;
  return detail::sweep_chunks(detail::subject<Handler>(false, options, script, args...));
}

/// Whether a handler ends well when its connection fails: for each kind of fault, operation 0, 1, ... fails until a
/// run ends before the fault. What leaves the handler must be a StreamError, or of the type that leaves it without a
/// fault; it must end, must not wait without a deadline, and must leave SweepOptions::alive as it was; a short write
/// must not change the output. Under LeakSanitizer there must be no leak.
/// @param args  as for sweep_chunks.
template <typename Handler, typename... Args>
SweepReport sweep_faults(const SweepOptions& options, const Script& script, Args&&... args) {
  return detail::sweep_faults(detail::subject<Handler>(true, options, script, args...));
}

/// The same with SweepOptions' defaults.
template <typename Handler, typename... Args>
SweepReport sweep_faults(const Script& script, Args&&... args) {
  const SweepOptions options;
  return detail::sweep_faults(detail::subject<Handler>(false, options, script, args...));
}

}  // namespace socketserver::testing
