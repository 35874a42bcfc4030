#pragma once
// What a server has counted.

#include <cstddef>
#include <cstdint>
#include <socketserver/base/visibility.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace SOCKETSERVER_PUBLIC socketserver {

/// TLS handshakes, by how they ended. The failed ones are in ServerStats::failed and `timed_out`, too.
struct TlsStats {
  std::uint64_t handshakes = 0;          ///< completed
  std::uint64_t resumed = 0;             ///< of them, those that continued an earlier session
  std::uint64_t not_tls = 0;             ///< the client speaks plain text
  std::uint64_t timed_out = 0;           ///< the handshake clock expired
  std::uint64_t closed = 0;              ///< the client ended the connection
  std::uint64_t no_common_version = 0;   ///< the client speaks only older versions
  std::uint64_t no_common_cipher = 0;    ///< no cipher suite, group or signature in common
  std::uint64_t client_certificate = 0;  ///< the client's certificate is missing or not valid
  std::uint64_t alpn = 0;                ///< no application protocol in common
  std::uint64_t other = 0;               ///< anything else, an alert of the client among them
};

/// One look at a server's counters. Every accepted connection is in exactly one of five, as of one moment:
/// accepted = active + served + rejected + timed_out + failed.
struct ServerStats {
  std::uint64_t accepted = 0;         ///< connections taken from the kernel
  std::uint64_t active = 0;           ///< not yet ended, those queued for a worker included
  std::uint64_t served = 0;           ///< the handler returned
  std::uint64_t rejected = 0;         ///< turned away: no room, or verify_request said no
  std::uint64_t timed_out = 0;        ///< a TimeoutError left the handler
  std::uint64_t failed = 0;           ///< another exception did, or the connection could not be given to the policy
  std::uint64_t queued = 0;           ///< active, but waiting for a worker
  std::uint64_t waits = 0;            ///< times that accepting paused because there was no room
  std::uint64_t accept_errors = 0;    ///< failed accepts of every kind
  std::uint64_t lingering = 0;        ///< ended connections whose late input is still dropped
  std::uint64_t lingers_cut = 0;      ///< ended connections that were closed before their linger time, to make room
  std::uint64_t access_refused = 0;   ///< of `rejected`: /access has refused the client
  std::uint64_t proxy_untrusted = 0;  ///< of `rejected`: a PROXY header was due, from no trusted network
  std::uint64_t proxy_invalid = 0;    ///< of `timed_out` and `failed`: there was no PROXY header, or it came too late
  std::uint64_t proxy_probes = 0;     ///< connections that a proxy made for itself, as for a health check
  TlsStats tls{};                     ///< where a listener speaks TLS
  std::uint64_t bytes_in = 0;         ///< received from peers
  std::uint64_t bytes_out = 0;        ///< sent to peers, reject_message included
};

/// @returns all of them on one line.
std::string to_string(const ServerStats& stats);

/// How a stop went, in connections.
struct DrainReport {
  std::size_t drained = 0;  ///< ended by themselves
  std::size_t forced = 0;   ///< shut down since the drain deadline passed, or not accepted by then
};

/// Something bounded that all peers share: how much of it is taken at this moment.
struct Budget {
  std::string_view name;    ///< as "connections", in plural; static
  std::uint64_t used = 0;   ///< taken now
  std::uint64_t limit = 0;  ///< the most that can be taken
};

/// @returns all of them on one line, as "connections 3 of 10000".
std::string to_string(const std::vector<Budget>& budgets);

}  // namespace socketserver
