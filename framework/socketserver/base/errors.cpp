#include <socketserver/base/errors.hpp>

#include <socketserver/base/text.hpp>
#include <utility>

namespace socketserver {
namespace {

std::string describe(const ConfigError::Place& place, std::string_view problem) {
  if (place.line > 0) return concat(place.file, ":", place.line, ":", place.column, ": ", problem);
  if (place.pointer.empty()) return concat(place.file, ": ", problem);
  return concat(place.file, ": ", place.pointer, ": ", problem);
}

}  // namespace

ConfigError::ConfigError(Place place, std::string_view problem)
    : std::runtime_error(escaped(describe(place, problem))), place_(std::move(place)) {}

}  // namespace socketserver
