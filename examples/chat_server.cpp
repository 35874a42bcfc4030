// A chat room: see chat_handler.hpp. Try: nc 127.0.0.1 9999, in two terminals

#include "chat_handler.hpp"

int main(int argc, char** argv) {
  Room room;
  return ss::serve_main<ChatHandler>(argc, argv, std::ref(room));
}
