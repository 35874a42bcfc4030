#pragma once
// What iter_unpack returns: a forward range that unpacks one struct at a time.

#include <cstddef>
#include <iterator>

namespace socketserver::detail {

/// A view of the caller's bytes, size() structs of them.
template <typename Struct>
class StructRange {
 public:
  class Iterator {
   public:
    using value_type = typename Struct::Values;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;
    using iterator_category = std::input_iterator_tag;  // operator* makes a value
    using reference = value_type;
    using pointer = void;

    Iterator() = default;
    explicit Iterator(const std::byte* at) : at_(at) {}

    value_type operator*() const { return Struct::unpack_at(at_); }
    Iterator& operator++() {
      at_ += Struct::size;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const std::byte* at_ = nullptr;
  };

  StructRange(const std::byte* begin, std::size_t structs) : begin_(begin), structs_(structs) {}

  Iterator begin() const { return Iterator(begin_); }
  Iterator end() const { return Iterator(begin_ + structs_ * Struct::size); }
  std::size_t size() const noexcept { return structs_; }
  bool empty() const noexcept { return structs_ == 0; }

 private:
  const std::byte* begin_;
  std::size_t structs_;
};

}  // namespace socketserver::detail
