#include <socketserver/config/json_document.hpp>

#include <algorithm>
#include <socketserver/base/errors.hpp>
#include <socketserver/base/text.hpp>
#include <unordered_set>
#include <utility>
#include <vector>

namespace socketserver::detail {
namespace {

constexpr std::size_t kMaxDepth = 64;  // levels; nlohmann's dump() recurses, so depth must be bounded

/// @param at  where in the text, in bytes.
[[noreturn]] void fail_at(std::string_view text, std::string_view file, std::size_t at, std::string_view problem,
                          std::string pointer = {}) {
  const std::string_view before = text.substr(0, std::min(at, text.size()));
  const auto line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  throw ConfigError({std::string(file), std::move(pointer), line, before.size() - line_start + 1}, problem);
}

/// Builds the document from the parser's events, and knows where in it each one is.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON text has none
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close_container(); }
  bool end_array() override { return close_container(); }

  bool key(string_t& name) override {
    keys_.back() = std::move(name);
    if (!seen_.back().insert(keys_.back()).second) fail("this key is there twice", pointer());
    return true;
  }

  bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception& error) override {
    // The byte is the one after the last that was read, and counts from 1.
    const std::string_view reason = error.what();
    const std::size_t colon = reason.find(": ");
    fail_at(text_, file_, byte > 0 ? byte - 1 : 0,
            concat("not JSON: ", reason.substr(colon == std::string_view::npos ? 0 : colon + 2)), pointer());
  }

 private:
  template <typename Value>
  bool add(Value&& value) {
    place(std::forward<Value>(value));
    return true;
  }

  template <typename Value>
  Json& place(Value&& value) {
    if (open_.empty()) return root_ = std::forward<Value>(value);
    Json& parent = *open_.back();
    if (parent.is_array()) return parent.emplace_back(std::forward<Value>(value));
    // The key is new, so it need not be looked for, which takes as long as there are keys.
    auto& object = parent.get_ref<Json::object_t&>();
    return object.Json::object_t::Container::emplace_back(keys_.back(), std::forward<Value>(value)).second;
  }

  bool open(Json container) {
    if (open_.size() == kMaxDepth) fail(concat("nested deeper than ", kMaxDepth, " levels"), pointer());
    open_.push_back(&place(std::move(container)));
    keys_.emplace_back();
    seen_.emplace_back();
    return true;
  }

  bool close_container() {
    open_.pop_back();
    keys_.pop_back();
    seen_.pop_back();
    return true;
  }

  /// Where the value that comes next belongs.
  std::string pointer() const {
    std::string out;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const std::size_t around = i + 1 < open_.size() ? 1 : 0;  // an open element is in its array already
      out = child_pointer(out, open_[i]->is_array() ? std::to_string(open_[i]->size() - around) : keys_[i]);
    }
    return out;
  }

  [[noreturn]] void fail(std::string_view problem, std::string at) const {
    throw ConfigError({std::string(file_), std::move(at)}, problem);
  }

  std::string_view text_;
  std::string_view file_;
  Json root_;
  std::vector<Json*> open_;                            // the containers around the place, outermost first
  std::vector<std::unordered_set<std::string>> seen_;  // the keys of each so far
  std::vector<std::string> keys_;                      // the current key of each; "" in arrays
};

/// Names two mistakes that the parser would only call an invalid literal, or let pass.
void check_encoding(std::string_view text, std::string_view file) {
  const ConfigError::Place start{std::string(file), "", 1, 1};
  if (text.starts_with("\xEF\xBB\xBF"))
    throw ConfigError(start, "a byte order mark; save the file as UTF-8 without one");
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") || text.substr(0, 2).find('\0') != text.npos) {
    throw ConfigError(start, "this looks like UTF-16; save the file as UTF-8");
  }
  if (const std::size_t nul = text.find('\0'); nul != text.npos) {  // the parser would take it for the end
    fail_at(text, file, nul, "a NUL byte");
  }
  if (strip(text).empty()) throw ConfigError(start, "empty; the least configuration is {}");
}

}  // namespace

std::string child_pointer(std::string_view parent, std::string_view key) {
  std::string out = concat(parent, "/");
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

Json parse_strictly(std::string_view text, std::string_view file) {
  check_encoding(text, file);
  Builder builder(text, file);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

}  // namespace socketserver::detail
