#pragma once
// The shapes of the table's rows, so that the table says only what differs.

#include <array>
#include <limits>
#include <socketserver/config/key_table.hpp>
#include <socketserver/config/key_values.hpp>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace socketserver::detail::keys {

inline constexpr double kMinSeconds = 0.001;               // seconds: clocks are kept in milliseconds
inline constexpr double kMaxSeconds = 1e9;                 // seconds: 31 years
inline constexpr double kMaxBytes = 1024.0 * 1024 * 1024;  // of any one buffer
inline constexpr double kMaxKeepaliveTime = 32767;         // seconds; source: tcp(7), MAX_TCP_KEEPIDLE
inline constexpr double kMaxKeepaliveProbes = 127;         // source: MAX_TCP_KEEPCNT
inline constexpr double kMaxInt = std::numeric_limits<int>::max();

// What the setters check, for the schema. Each is deterministic, so that an editor matches it in linear time.
inline constexpr std::string_view kPath = R"(^[^\u0000]+$)";
inline constexpr std::string_view kNoNul = R"(^[^\u0000]*$)";

// A network as far as a pattern can tell: not whether an IPv6 address is one, nor whether bits are set behind the
// prefix.
inline constexpr std::string_view kNetwork =
    R"(^(unix|((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(/([0-9]|[12]\d|3[0-2]))?)"
    R"(|[0-9a-fA-F]*:[0-9a-fA-F:.]*(/(12[0-8]|1[01]\d|[1-9]?\d))?)$)";

template <typename Section>
auto& first_of(Section& section) {
  if constexpr (std::is_same_v<std::remove_const_t<Section>, Listeners>) {
    return section.front();
  } else {
    return section;
  }
}

/// A pair of a section's member and the accessors for it.
template <auto section, auto member>
struct Member {
  static Json get(const ServerConfig& config) { return to_value(first_of(config.*section).*member); }
  static void set(ServerConfig& config, const Json& value) { from_value(first_of(config.*section).*member, value); }
};

template <typename T, std::size_t n>
std::vector<std::string_view> choices_of(const std::array<EnumText<T>, n>& texts) {
  std::vector<std::string_view> out;
  for (const auto& entry : texts) out.push_back(entry.text);
  return out;
}

template <auto section, auto member>
Key boolean(std::string_view in, std::string_view name, std::string_view description) {
  using A = Member<section, member>;
  return {in, name, KeyType::boolean, false, 0, 0, {}, "", description, A::get, A::set};
}
template <auto section, auto member>
Key integer(std::string_view in, std::string_view name, bool nullable, double min, double max, std::string_view unit,
            std::string_view description) {
  using A = Member<section, member>;
  return {in, name, KeyType::integer, nullable, min, max, {}, unit, description, A::get, A::set};
}
template <auto section, auto member>
Key text(std::string_view in, std::string_view name, bool nullable, std::string_view description) {
  using A = Member<section, member>;
  return {in, name, KeyType::text, nullable, 0, 0, {}, "", description, A::get, A::set};
}
/// A text, or an array of texts, with accessors of its own.
inline Key special(std::string_view in, std::string_view name, KeyType type, bool nullable,
                   std::string_view description, Json (*get)(const ServerConfig&),
                   void (*set)(ServerConfig&, const Json&), std::string_view pattern) {
  return {in, name, type, nullable, 0, 0, {}, "", description, get, set, pattern};
}
template <auto section, auto member>
Key networks(std::string_view in, std::string_view name, std::string_view description) {
  using A = Member<section, member>;
  return {in, name, KeyType::networks, false, 0, 0, {}, "", description, A::get, A::set, kNetwork};
}
template <auto section, auto member>
Key choice(std::string_view in, std::string_view name, std::vector<std::string_view> choices,
           std::string_view description) {
  using A = Member<section, member>;
  return {in, name, KeyType::choice, false, 0, 0, std::move(choices), "", description, A::get, A::set};
}
template <auto member>
Key timeout(std::string_view name, std::string_view description) {
  using A = Member<&ServerConfig::timeouts, member>;
  return {"timeouts", name,      KeyType::seconds, true,   kMinSeconds, kMaxSeconds,
          {},         "seconds", description,      A::get, A::set};
}

}  // namespace socketserver::detail::keys
