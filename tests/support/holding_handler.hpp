#pragma once

#include <socketserver/handlers/base_request_handler.hpp>
#include <socketserver/server/tcp_server.hpp>

namespace testing_support {

/// Holds each connection until its peer closes, having sent "in" first.
class HoldingHandler : public socketserver::BaseRequestHandler {
 public:
  static bool speaks_first() { return true; }

 protected:
  void handle() override {
    request().sendall("in\n");
    while (!request().recv(100).empty()) {
    }
  }
};
using HoldingServer = socketserver::TCPServer<HoldingHandler>;

/// Whether each accepted connection is counted once.
inline bool adds_up(const socketserver::ServerStats& s) {
  return s.accepted == s.active + s.served + s.rejected + s.timed_out + s.failed;
}

}  // namespace testing_support
