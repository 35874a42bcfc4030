#undef NDEBUG  // assert() checks in every kind of build
#include <cassert>
#include <iostream>
#include <socketserver/testing/run_handler.hpp>
#include <socketserver/testing/sweep.hpp>

#include "store_handler.hpp"

using namespace socketserver::testing;
using namespace std::chrono_literals;

void test_answers() {
  Store store;
  const auto run = run_handler<StoreHandler>("get tea\nset tea green, hot\nget tea\nset\nset tea\n", store);
  assert(run.output == "none\nok\ngreen, hot\nwhat?\nwhat?\n");
  assert(run.error.empty());
  assert(store.get("tea") == "green, hot");
}

void test_conversation() {
  Store store;
  const Script script{send("set a 1\nget"), expect("ok\n"), pause(4s), send(" a\n"), expect("1\n"), pause(61s)};
  const auto run = run_handler<StoreHandler>(script, store);
  assert(run.threw<ss::TimeoutError>());  // silent for longer than the idle timeout
}

void test_half_a_line_is_not_obeyed() {
  Store store;
  assert(run_handler<StoreHandler>("set a 1\nset a 12", store).output == "ok\n");
  assert(store.get("a") == "1");
}

void test_full() {
  Store store;
  for (std::size_t i = 0; i < Store::kMaxKeys; ++i) store.set(std::to_string(i), "x");
  assert(run_handler<StoreHandler>("set 7 y\nset more x\n", store).output == "ok\nfull\n");
}

bool test_sweeps() {
  const Script script{send("set a 1\nget a\n"), expect("ok\n1\n"), send("get b\n"), expect("none\n")};
  const SweepReport chunks = sweep_chunks<StoreHandler>(script, fresh<Store>());
  const SweepReport faults = sweep_faults<StoreHandler>(script, fresh<Store>());
  std::cout << chunks << '\n' << faults << '\n';
  return chunks && faults;
}

int main() {
  test_answers();
  test_conversation();
  test_half_a_line_is_not_obeyed();
  test_full();
  return test_sweeps() ? 0 : 1;
}
