#include <memory>
#include <socketserver/base/function.hpp>
#include <utility>

#include "support/catch.hpp"

using namespace socketserver;

TEST_CASE("a move-only function owns what it captured") {
  auto owned = std::make_shared<int>(42);
  const std::weak_ptr<int> watch = owned;
  MoveOnlyFunction<int(int)> add = [kept = std::make_unique<std::shared_ptr<int>>(std::move(owned))](int more) {
    return **kept + more;
  };
  CHECK(add(1) == 43);
  MoveOnlyFunction<int(int)> moved = std::move(add);
  CHECK(moved(2) == 44);
  moved = {};
  CHECK_FALSE(moved);
  CHECK(watch.expired());
}

TEST_CASE("an empty function is false") { CHECK_FALSE(Job{}); }
