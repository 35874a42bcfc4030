#include <socketserver/base/errors.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/testing/play.hpp>
#include <socketserver/testing/report.hpp>

// In programs under AddressSanitizer or LeakSanitizer only. Source: sanitizer/lsan_interface.h
extern "C" int __lsan_do_recoverable_leak_check() __attribute__((weak));

namespace socketserver::testing::detail {
namespace {

bool leaks() { return &__lsan_do_recoverable_leak_check != nullptr && __lsan_do_recoverable_leak_check() != 0; }

class FaultSweep {
 public:
  explicit FaultSweep(const Subject& subject) : subject_(subject) {
    report_.handler = handler_name(subject.type);
    report_.seed = subject.options.seed;
  }

  SweepReport run() {
    leaks_before_ = leaks();  // leaks from before the sweep: then new ones cannot be told apart
    (void)(good({}) && sweep(Fault::timeout) && sweep(Fault::reset) && sweep(Fault::short_write));
    return report_;
  }

 private:
  bool sweep(Fault (*fault)(std::size_t operation)) {
    for (std::size_t n = 0;; ++n) {
      if (!good(fault(n))) return false;
      if (!reached_) return true;
    }
  }

  /// @returns false, and has written the report, if the run is not good.
  bool good(const std::optional<Fault>& fault) {
    const std::size_t alive = count();
    RunOptions options = subject_.options.run;
    options.fault = fault;
    ++report_.runs;
    const Played played = play(options, subject_.script, subject_.run);
    reached_ = played.run.fault_reached;
    if (!fault) expected_ = played.run;
    std::string test = run_statement(subject_, subject_.script, fault);
    std::string problem = played.script_error;
    if (problem.empty() && fault) problem = wrong_end(played.run, *fault, test);
    if (problem.empty()) problem = left_over(alive, test);
    if (problem.empty()) return true;
    report_.problem = concat(fault ? fault->code() : "without a fault", ": ", problem);
    report_.test = std::move(test);
    return false;
  }

  /// @returns what is wrong with what the handler did; then the test gets the assertion that fails.
  std::string wrong_end(const HandlerRun& run, const Fault& fault, std::string& test) const {
    if (fault.kind == Fault::Kind::short_write && run.output != expected_.output) {
      test += expectation(expected_, run);
      return concat("a write in two parts makes a difference", difference(expected_, run));
    }
    const bool ours = !run.exception || run.threw<StreamError>() || error_type(run) == error_type(expected_);
    if (ours) return {};
    test += "  CHECK((run.error.empty() || run.threw<StreamError>()));\n";
    return concat(escaped(run.error), " left the handler, which is no StreamError");
  }

  std::string left_over(std::size_t alive, std::string& test) const {
    if (const std::size_t now = count(); now != alive) {
      test += concat("  CHECK(alive() == ", alive, ");\n");
      return concat("alive before the run: ", alive, ", after it: ", now);
    }
    if (leaks_before_ || !leaks()) return {};
    return "LeakSanitizer has found a leak, written to standard error";
  }

  std::size_t count() const { return subject_.options.alive ? subject_.options.alive() : 0; }

  const Subject& subject_;
  HandlerRun expected_;
  SweepReport report_;
  bool leaks_before_ = false;
  bool reached_ = false;
};

}  // namespace

SweepReport sweep_faults(const Subject& subject) { return FaultSweep(subject).run(); }

}  // namespace socketserver::testing::detail
