#include "fleet.hpp"
#include "modes.hpp"
#include "slow.hpp"

namespace bench {

Figures run_steady(const Options& options) {
  Figures figures;
  const Lines lines(options.line_bytes);
  SlowClients slow(options, lines);
  Fleet fleet(options, lines);
  fleet.open(options.connections);
  fleet.start();
  measure(figures, options, [&] {
    slow.turn();
    fleet.turn(figures.latencies);
  });
  fleet.finish();
  figures.slow_dropped = slow.dropped();
  return figures;
}

}  // namespace bench
