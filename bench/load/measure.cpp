#include "measure.hpp"

#include <nlohmann/json.hpp>

namespace bench {

std::string Figures::json() const {
  const auto microseconds = [](std::chrono::duration<double, std::micro> time) { return time.count(); };
  const auto requests = static_cast<double>(latencies.count());
  nlohmann::json out = {{"requests", latencies.count()}, {"seconds", duration.count()}};
  if (latencies.count() > 0) {
    out["requests_per_second"] = requests / duration.count();
    out["cpu_us"] = microseconds(server_cpu) / requests;
    out["p50_us"] = microseconds(latencies.percentile(0.5));
    out["p99_us"] = microseconds(latencies.percentile(0.99));
    out["p999_us"] = microseconds(latencies.percentile(0.999));
  }
  if (held > 0) {
    const auto each = static_cast<double>(held - 1);  // the first was there before
    const auto grown = [each](std::uint64_t from, std::uint64_t to) {
      return each > 0 ? (static_cast<double>(to) - static_cast<double>(from)) / each : 0;
    };
    out["held"] = held;
    out["rss_kib"] = grown(before.resident_kib, after.resident_kib);
    out["pss_kib"] = grown(before.proportional_kib, after.proportional_kib);
  }
  out["slow_dropped"] = slow_dropped;
  return out.dump();
}

}  // namespace bench
