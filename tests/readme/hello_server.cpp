#include <socketserver/socketserver.hpp>

class HelloHandler : public socketserver::StreamRequestHandler {
 protected:
  void handle() override {
    while (auto name = rfile().readline()) wfile() << "Hello, " << socketserver::strip(*name) << "!\n";
  }
};

int main(int argc, char** argv) { return socketserver::serve_main<HelloHandler>(argc, argv); }
