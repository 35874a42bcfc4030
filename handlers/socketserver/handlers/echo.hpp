#pragma once
// A handler that sends back what it receives.

#include <socketserver/base/visibility.hpp>
#include <socketserver/handlers/base_request_handler.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Echoes bytes as they come, until EOF. Source: RFC 862.
class EchoHandler : public BaseRequestHandler {
 protected:
  void handle() override;
};

}  // namespace socketserver
