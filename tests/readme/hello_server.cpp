#include "hello_handler.hpp"

int main(int argc, char** argv) { return socketserver::serve_main<HelloHandler>(argc, argv); }
