#pragma once
// What the sweeps write: the run that was wrong, as a test.

#include <socketserver/testing/sweep.hpp>
#include <string>
#include <string_view>

namespace socketserver::testing::detail {

/// @returns the handler's type as a test file would name it.
std::string handler_name(const std::type_info& type);

/// @returns the type of what left the handler, with the colon after it; empty if nothing did.
std::string_view error_type(const HandlerRun& run);

/// @returns the statement that runs the subject against this script.
std::string run_statement(const Subject& subject, const Script& script, const std::optional<Fault>& fault = {});

/// @returns the two outputs, escaped, and where they differ.
std::string difference(const HandlerRun& expected, const HandlerRun& actual);

/// @returns the assertion that fails where a run is not like another.
std::string expectation(const HandlerRun& expected, const HandlerRun& actual);

}  // namespace socketserver::testing::detail
