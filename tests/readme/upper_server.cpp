#include <socketserver/socketserver.hpp>

namespace ss = socketserver;

class UpperHandler : public ss::StreamRequestHandler {
 protected:
  void handle() override {
    for (const std::string_view line : rfile().lines()) wfile() << ss::upper(line);
  }
};

int main(int argc, char** argv) { return ss::serve_main<UpperHandler>(argc, argv); }
