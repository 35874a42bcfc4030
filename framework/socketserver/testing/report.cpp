#include <socketserver/testing/report.hpp>

#include <algorithm>
#include <ostream>
#include <socketserver/base/text.hpp>
#include <socketserver/base/type_name.hpp>

namespace socketserver::testing {

std::string SweepReport::text() const {
  if (problem.empty()) return concat(handler, ": ", runs, " runs, all good (seed ", seed, ")");
  return concat(handler, ": run ", runs, " (seed ", seed, "): ", problem, "\nAs a test:\n", test);
}

std::ostream& operator<<(std::ostream& out, const SweepReport& report) { return out << report.text(); }

namespace detail {
namespace {

constexpr std::string_view kIndent = "  ";

std::string what_left(const HandlerRun& run) { return run.error.empty() ? "nothing" : escaped(run.error); }

}  // namespace

std::string handler_name(const std::type_info& type) {
  constexpr std::string_view kAnonymous = "(anonymous namespace)::";
  std::string name = socketserver::detail::type_name(type);
  if (name.starts_with(kAnonymous)) name.erase(0, kAnonymous.size());
  const std::size_t function = name.rfind(")::");  // a class in a function
  return function == std::string::npos ? name : name.substr(function + 3);
}

std::string_view error_type(const HandlerRun& run) {
  const std::string_view error = run.error;
  return error.substr(0, std::min(error.find(": "), error.size() - 1) + 1);
}

std::string run_statement(const Subject& subject, const Script& script, const std::optional<Fault>& fault) {
  std::string before;
  std::string options;
  if (subject.has_options) {
    before = concat(kIndent, "RunOptions options;  // and what the sweep was given\n");
    if (fault) before += concat(kIndent, "options.fault = ", fault->code(), ";\n");
    options = "options, ";
  } else if (fault) {
    options = concat("RunOptions{.fault = ", fault->code(), "}, ");
  }
  const char* arguments = subject.has_arguments ? ", /* the constructor's arguments */" : "";
  return concat(before, kIndent, "const auto run = run_handler<", handler_name(subject.type), ">(", options,
                script.code(), arguments, ");\n");
}

std::string difference(const HandlerRun& expected, const HandlerRun& actual) {
  const std::string& one = expected.output;
  const std::string& other = actual.output;
  if (one == other) return concat("\n  expected ", what_left(expected), " to leave it\n  but did  ", what_left(actual));
  const auto at = std::mismatch(one.begin(), one.end(), other.begin(), other.end()).first - one.begin();
  return concat("\n  expected \"", escaped(one), "\"\n  sent     \"", escaped(other), "\"\n  from byte ", at, " on");
}

std::string expectation(const HandlerRun& expected, const HandlerRun& actual) {
  if (expected.output != actual.output)
    return concat(kIndent, "CHECK(run.output == ", string_literal(expected.output), ");\n");
  if (expected.error.empty()) return concat(kIndent, "CHECK(run.error.empty());\n");
  return concat(kIndent, "CHECK(run.error.starts_with(", string_literal(error_type(expected)), "));\n");
}

}  // namespace detail
}  // namespace socketserver::testing
