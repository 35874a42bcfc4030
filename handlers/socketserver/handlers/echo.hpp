#pragma once
// A handler that sends back what it receives.

#include <socketserver/handlers/base_request_handler.hpp>

namespace socketserver {

/// Echoes bytes as they come, until EOF. Source: RFC 862.
class EchoHandler : public BaseRequestHandler {
 protected:
  void handle() override;
};

}  // namespace socketserver
