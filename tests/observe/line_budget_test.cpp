#include <socketserver/base/deadline.hpp>
#include <socketserver/observe/line_budget.hpp>

#include "support/catch.hpp"

using namespace socketserver;
using detail::LineBudget;

TEST_CASE("a kind of line has 10 a second, and what is withheld is counted") {
  ManualClock clock;
  LineBudget budget(clock);
  for (int second = 0; second < 2; ++second) {
    for (int i = 0; i < 10; ++i) {
      const LineBudget::Answer answer = budget.ask();
      CHECK(answer.write);
      CHECK(answer.withheld == (second == 1 && i == 0 ? 90U : 0U));
    }
    for (int i = 0; i < 90; ++i) CHECK_FALSE(budget.ask().write);
    clock.advance(std::chrono::seconds(1));
  }
  CHECK(budget.take_withheld() == 90);
  CHECK(budget.take_withheld() == 0);
}
