#pragma once
// PROXY headers for tests: what a proxy sends before its client's bytes.

#include <cstdint>
#include <socketserver/net/proxy_header.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace socketserver::testing {

/// @returns version 1's line for a client. @param source,destination  IP addresses in numbers, of one family.
/// @throws std::invalid_argument  they are not.
std::string proxy_v1(std::string_view source, std::uint16_t source_port, std::string_view destination = "192.0.2.80",
                     std::uint16_t destination_port = 80);

/// @returns version 2's header for a client, as proxy_v1(). @param tlvs  further fields.
std::string proxy_v2(std::string_view source, std::uint16_t source_port, std::string_view destination = "192.0.2.80",
                     std::uint16_t destination_port = 80, const std::vector<ProxyTlv>& tlvs = {});

/// @returns version 2's header of a proxy that connects for itself, as for a health check.
std::string proxy_v2_local();

}  // namespace socketserver::testing
