#pragma once
// Intrusive FIFO: an item is in at most one queue, and push never allocates.

#include <utility>

namespace socketserver::detail {

/// First in, first out. Item has a member `Item* next`.
template <typename Item>
class LinkedQueue {
 public:
  LinkedQueue() = default;
  LinkedQueue(LinkedQueue&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), last_(std::exchange(other.last_, nullptr)) {}
  LinkedQueue& operator=(LinkedQueue&& other) noexcept {
    first_ = std::exchange(other.first_, nullptr);
    last_ = std::exchange(other.last_, nullptr);
    return *this;
  }

  bool empty() const noexcept { return first_ == nullptr; }
  void push(Item& item) noexcept {
    item.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &item;
    last_ = &item;
  }
  /// @returns null if it is empty.
  Item* pop() noexcept {
    Item* const item = first_;
    if (item == nullptr) return nullptr;
    first_ = item->next;
    if (first_ == nullptr) last_ = nullptr;
    return item;
  }

 private:
  Item* first_ = nullptr;
  Item* last_ = nullptr;
};

}  // namespace socketserver::detail
