#include <array>
#include <socketserver/concurrency/linked_queue.hpp>
#include <utility>

#include "support/catch.hpp"

using namespace socketserver;

namespace {

struct Item {
  int number = 0;
  Item* next = nullptr;
};

}  // namespace

TEST_CASE("items leave a queue in the order in which they came") {
  std::array<Item, 3> items{{{1}, {2}, {3}}};
  detail::LinkedQueue<Item> queue;
  CHECK(queue.pop() == nullptr);
  for (Item& item : items) queue.push(item);
  CHECK(queue.pop()->number == 1);
  queue.push(items[0]);  // again, behind the others
  CHECK(queue.pop()->number == 2);
  CHECK(queue.pop()->number == 3);
  CHECK_FALSE(queue.empty());
  CHECK(queue.pop()->number == 1);
  CHECK(queue.empty());
  CHECK(queue.pop() == nullptr);
  queue.push(items[1]);  // a queue that was emptied forgets its last item
  CHECK(queue.pop()->number == 2);
  CHECK(queue.pop() == nullptr);
}

TEST_CASE("a queue that was moved from is empty and can be used") {
  std::array<Item, 2> items{{{1}, {2}}};
  detail::LinkedQueue<Item> from;
  from.push(items[0]);
  detail::LinkedQueue<Item> to(std::move(from));
  CHECK(from.empty());  // NOLINT(bugprone-use-after-move)
  from.push(items[1]);
  CHECK(to.pop()->number == 1);
  CHECK(to.pop() == nullptr);
  to = std::move(from);
  CHECK(from.pop() == nullptr);  // NOLINT(bugprone-use-after-move)
  CHECK(to.pop()->number == 2);
}
