#pragma once
#include <socketserver/socketserver.hpp>

class HelloHandler : public socketserver::StreamRequestHandler {
 protected:
  void handle() override {
    while (auto name = rfile().readline()) wfile() << "Hello, " << socketserver::strip(*name) << "!\n";
  }
};
