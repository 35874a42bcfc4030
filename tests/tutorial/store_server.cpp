#include "store_handler.hpp"

int main(int argc, char** argv) {
  Store store;
  return ss::serve_main<StoreHandler>(argc, argv, std::ref(store));
}
