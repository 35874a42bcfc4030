#include <socketserver/observe/stats.hpp>

#include <socketserver/base/text.hpp>

namespace socketserver {

namespace {

/// Empty where there was none.
std::string tls_text(const TlsStats& tls) {
  const std::uint64_t not_completed = tls.not_tls + tls.timed_out + tls.closed + tls.no_common_version +
                                      tls.no_common_cipher + tls.client_certificate + tls.alpn + tls.other;
  if (tls.handshakes + not_completed == 0) return "";
  return concat("; TLS handshakes ", tls.handshakes, ", resumed ", tls.resumed, ", not TLS ", tls.not_tls, ", late ",
                tls.timed_out, ", broken off ", tls.closed, ", no common version ", tls.no_common_version,
                ", no common cipher ", tls.no_common_cipher, ", client certificate ", tls.client_certificate,
                ", no common protocol ", tls.alpn, ", other errors ", tls.other);
}

}  // namespace

std::string to_string(const ServerStats& stats) {
  return concat("accepted ", stats.accepted, " = active ", stats.active, " + served ", stats.served, " + rejected ",
                stats.rejected, " + timed out ", stats.timed_out, " + failed ", stats.failed, "; queued ", stats.queued,
                ", waits ", stats.waits, ", accept errors ", stats.accept_errors, ", lingering ", stats.lingering,
                ", lingers cut ", stats.lingers_cut, "; ", stats.bytes_in, " bytes in, ", stats.bytes_out,
                " bytes out; access refused ", stats.access_refused, ", proxy untrusted ", stats.proxy_untrusted,
                ", proxy invalid ", stats.proxy_invalid, ", proxy probes ", stats.proxy_probes, tls_text(stats.tls));
}

std::string to_string(const std::vector<Budget>& budgets) {
  std::string out;
  for (const Budget& each : budgets) {
    out += concat(out.empty() ? "" : ", ", each.name, " ", each.used, " of ", each.limit);
  }
  return out;
}

}  // namespace socketserver
