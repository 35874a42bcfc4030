#pragma once
// The keys of a listen entry that are more than a member of its struct.

#include <socketserver/config/key_table.hpp>
#include <string_view>

namespace socketserver::detail {

/// "path" and "mode": what a Unix socket has.
Key path_key();
Key mode_key();

/// Whether a key of an entry applies to a TCP port only.
bool is_tcp_key(std::string_view name);

}  // namespace socketserver::detail
