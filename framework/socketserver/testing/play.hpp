#pragma once
// One run, with what went wrong as a value: what run_handler and the sweeps are made of.

#include <socketserver/testing/run_handler.hpp>
#include <string>

namespace socketserver::testing::detail {

struct Played {
  HandlerRun run;
  std::string script_error;  // why the run is not what the script expects; empty if it is
};

Played play(const RunOptions& options, const Script& script, const std::function<void(Request&)>& handler);

}  // namespace socketserver::testing::detail
