#pragma once
// How the members of a configuration look in JSON, and what is checked of them in addition to type and range.

#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <socketserver/config/json_document.hpp>
#include <socketserver/server/server_config.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace socketserver::detail::keys {

using std::chrono::milliseconds;

template <typename T>
struct EnumText {
  T value;
  std::string_view text;
};
template <typename T>
EnumText(T, std::string_view) -> EnumText<T>;  // clang 14 does not deduce aggregates

inline constexpr std::array kPolicies{EnumText{PolicyKind::inline_, "inline"}, EnumText{PolicyKind::thread, "thread"},
                                      EnumText{PolicyKind::pool, "pool"}, EnumText{PolicyKind::fiber, "fiber"}};
inline constexpr std::array kOverflows{EnumText{Overflow::wait, "wait"}, EnumText{Overflow::reject, "reject"}};
inline constexpr std::array kLevels{EnumText{LogLevel::debug, "debug"}, EnumText{LogLevel::info, "info"},
                                    EnumText{LogLevel::warning, "warning"}, EnumText{LogLevel::error, "error"},
                                    EnumText{LogLevel::off, "off"}};

inline constexpr std::array kClientCertificates{EnumText{ClientCertificate::none, "none"},
                                                EnumText{ClientCertificate::request, "request"},
                                                EnumText{ClientCertificate::require, "require"}};
inline constexpr std::array kTlsVersions{EnumText{TlsVersion::v1_2, "1.2"}, EnumText{TlsVersion::v1_3, "1.3"}};

constexpr const auto& texts_of(ClientCertificate) { return kClientCertificates; }
constexpr const auto& texts_of(TlsVersion) { return kTlsVersions; }
constexpr const auto& texts_of(PolicyKind) { return kPolicies; }
constexpr const auto& texts_of(Overflow) { return kOverflows; }
constexpr const auto& texts_of(LogLevel) { return kLevels; }

/// @throws std::invalid_argument  it has a NUL, which ends what the system takes as a string.
inline std::string without_nul(const Json& value) {
  auto text = value.get<std::string>();
  if (text.find('\0') != std::string::npos) throw std::invalid_argument("has a NUL character");
  return text;
}

/// @throws std::invalid_argument  it is none.
inline std::string checked_path(const Json& value) {
  if (value.get_ref<const std::string&>().empty()) throw std::invalid_argument("is empty; takes a path");
  return without_nul(value);
}

// How a member's type looks in JSON.
template <typename T>
Json to_value(const T& member) {
  if constexpr (std::is_enum_v<T>) {
    for (const auto& entry : texts_of(member)) {
      if (entry.value == member) return entry.text;
    }
    return nullptr;
  } else {
    return member;
  }
}
inline Json to_value(const milliseconds& time) {
  const auto count = time.count();
  return count % 1000 == 0 ? Json(count / 1000) : Json(static_cast<double>(count) / 1000);
}
inline Json to_value(const std::chrono::seconds& time) { return time.count(); }
inline Json to_value(const std::vector<IpNetwork>& networks) {
  Json out = Json::array();
  for (const IpNetwork& network : networks) out.push_back(network.to_string());
  return out;
}
template <typename T>
Json to_value(const std::optional<T>& member) {
  return member ? to_value(*member) : Json(nullptr);
}

template <typename T>
void from_value(T& member, const Json& value) {
  if constexpr (std::is_enum_v<T>) {
    for (const auto& entry : texts_of(member)) {
      if (entry.text == value.get_ref<const std::string&>()) member = entry.value;
    }
  } else {
    member = value.get<T>();
  }
}
inline void from_value(milliseconds& time, const Json& value) {
  time = milliseconds(std::llround(value.get<double>() * 1000));
}
inline void from_value(std::chrono::seconds& time, const Json& value) {
  time = std::chrono::seconds(value.get<std::chrono::seconds::rep>());
}
/// @throws std::invalid_argument  one of them is no network.
inline void from_value(std::vector<IpNetwork>& networks, const Json& value) {
  networks.clear();
  for (const Json& text : value) networks.emplace_back(text.get_ref<const std::string&>());
}
template <typename T>
void from_value(std::optional<T>& member, const Json& value) {
  if (value.is_null()) return member.reset();
  from_value(member.emplace(), value);
}

}  // namespace socketserver::detail::keys
