#pragma once
// A key/value store over lines: "set KEY VALUE" is answered by "ok", "get KEY" by the value.

#include <map>
#include <optional>
#include <socketserver/socketserver.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace ss = socketserver;

/// What all connections share.
class Store {
 public:
  static constexpr std::size_t kMaxKeys = 10000;

  /// @returns false if it is full.
  bool set(std::string_view key, std::string_view value) {
    const std::lock_guard lock(mutex_);
    const std::string name(key);
    if (values_.size() == kMaxKeys && !values_.contains(name)) return false;
    values_[name] = value;
    return true;
  }

  std::optional<std::string> get(std::string_view key) const {
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(std::string(key));
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  mutable ss::Mutex mutex_;
  std::map<std::string, std::string> values_;
};

class StoreHandler : public ss::StreamRequestHandler {
 public:
  explicit StoreHandler(Store& store) : store_(store) {}

 protected:
  void handle() override {
    while (const auto line = rfile().readline()) {
      if (!line->ends_with('\n')) return;  // the peer went in the middle of it
      answer(ss::strip(*line));
    }
  }

 private:
  void answer(std::string_view request) {
    const auto [command, rest] = split(request);
    const auto [key, value] = split(rest);
    if (command == "set" && !value.empty()) {
      wfile() << (store_.set(key, value) ? "ok\n" : "full\n");
    } else if (command == "get" && value.empty()) {
      wfile() << store_.get(key).value_or("none") << '\n';
    } else {
      wfile() << "what?\n";
    }
  }

  /// @returns the first word, and what comes after it.
  static std::pair<std::string_view, std::string_view> split(std::string_view text) {
    const std::size_t end = text.find(' ');
    if (end == std::string_view::npos) return {text, {}};
    return {text.substr(0, end), ss::strip(text.substr(end))};
  }

  Store& store_;
};
