#pragma once
// The ways of loading a server.

#include "measure.hpp"
#include "options.hpp"

namespace bench {

/// All connections stay, and each has `depth` lines in flight; slow ones in addition if the options ask for them.
Figures run_steady(const Options& options);

/// Each connection asks one line, is answered and closed, and another takes its place. Latency counts from connect.
Figures run_churn(const Options& options);

/// All connections ask one line and then nothing for the duration; the server's memory is read; then all ask again.
Figures run_idle(const Options& options);

}  // namespace bench
