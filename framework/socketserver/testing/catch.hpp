#pragma once
// For tests with Catch2, version 2 or 3: failures that show bytes escaped.
//
//   CHECK_THAT(run_handler<UpperCaseHandler>("hello\n"), Sends("HELLO\n"));
//
// HandlerRun and SweepReport are shown by their operator<<, here as with every other test framework.

#if !defined(CATCH_VERSION_MAJOR)
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_tostring.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#else
#include <catch2/catch.hpp>
#endif
#endif

#include <ostream>
#include <socketserver/base/text.hpp>
#include <socketserver/testing/run_handler.hpp>
#include <socketserver/testing/sweep.hpp>
#include <string>
#include <utility>

namespace socketserver::testing {
namespace detail {

// Version 2 has it in Catch itself, version 3 in Catch::Matchers.
namespace catch_names {
using namespace Catch;
using namespace Catch::Matchers;
template <typename T>
using Matcher = MatcherBase<T>;
}  // namespace catch_names

}  // namespace detail

/// Matches a run of which all the output is these bytes and that nothing has left.
class Sends : public detail::catch_names::Matcher<HandlerRun> {
 public:
  /// @param bytes  all of the output, not a part.
  explicit Sends(std::string bytes) : bytes_(std::move(bytes)) {}

  /// @name Called by Catch
  ///@{

  /// As Catch's matchers have it.
  bool match(const HandlerRun& run) const override { return run.output == bytes_ && run.error.empty(); }
  std::string describe() const override { return concat("sends \"", escaped(bytes_), "\" and ends without an error"); }
  ///@}

 private:
  std::string bytes_;
};

}  // namespace socketserver::testing
