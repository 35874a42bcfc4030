#pragma once
// Room for a server's connections among the descriptors that its process may open.

#include <cstddef>
#include <optional>
#include <system_error>

namespace socketserver::detail {

struct DescriptorRoom {
  std::size_t connections = 0;               // that there is room for, of those asked for; at least one
  std::size_t lingering = 0;                 // ended connections that there is room for as well; at least one
  std::size_t limit = 0;                     // descriptors that the process may open now
  std::optional<std::size_t> raised_from{};  // the soft limit that was too low
};

/// @returns the descriptors that the process has open, one for this look included; 0 with an error.
std::size_t open_descriptors(std::error_code& error);

/// Raises the soft limit on descriptors to the hard one if the connections and as many lingering ones would not fit
/// below it, in addition to what is open now and kDescriptorsKeptBack. What lingers gets what the connections leave, an
/// eighth at least. @param each  descriptors of a connection.
DescriptorRoom make_descriptor_room(std::size_t connections, std::size_t each = 1);

/// For the log, the handlers' own files and connections, lookups of names.
inline constexpr std::size_t kDescriptorsKeptBack = 32;

}  // namespace socketserver::detail
