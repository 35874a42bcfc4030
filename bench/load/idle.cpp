#include <thread>

#include "fleet.hpp"
#include "modes.hpp"

namespace bench {

Figures run_idle(const Options& options) {
  Figures figures;
  const Lines lines(options.line_bytes);
  Fleet fleet(options, lines);
  fleet.open(1);  // what the first connection alone sets up is not a connection's price
  figures.before = memory(options.server);
  fleet.open(options.connections);
  std::this_thread::sleep_for(options.duration);
  figures.after = memory(options.server);
  figures.held = fleet.ask_once_more();
  return figures;
}

}  // namespace bench
