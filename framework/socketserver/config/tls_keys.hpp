#pragma once
// The keys of the section "tls".

#include <socketserver/config/key_table.hpp>
#include <vector>

namespace socketserver::detail {

/// In the order of the document.
std::vector<Key> tls_keys();

}  // namespace socketserver::detail
