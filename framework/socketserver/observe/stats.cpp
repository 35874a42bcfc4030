#include <socketserver/observe/stats.hpp>

#include <socketserver/base/text.hpp>

namespace socketserver {

std::string to_string(const ServerStats& stats) {
  return concat("accepted ", stats.accepted, " = active ", stats.active, " + served ", stats.served, " + rejected ",
                stats.rejected, " + timed out ", stats.timed_out, " + failed ", stats.failed, "; queued ", stats.queued,
                ", waits ", stats.waits, ", accept errors ", stats.accept_errors, ", lingering ", stats.lingering,
                ", lingers cut ", stats.lingers_cut, "; ", stats.bytes_in, " bytes in, ", stats.bytes_out,
                " bytes out; access refused ", stats.access_refused, ", proxy untrusted ", stats.proxy_untrusted,
                ", proxy invalid ", stats.proxy_invalid, ", proxy probes ", stats.proxy_probes);
}

std::string to_string(const std::vector<Budget>& budgets) {
  std::string out;
  for (const Budget& each : budgets) {
    out += concat(out.empty() ? "" : ", ", each.name, " ", each.used, " of ", each.limit);
  }
  return out;
}

}  // namespace socketserver
