#include <socketserver/handlers/base_request_handler.hpp>

namespace socketserver {

void BaseRequestHandler::run(Request& request) {
  request_ = &request;
  run_phases();
}

void BaseRequestHandler::run_phases() {
  setup();
  try {
    handle();
  } catch (...) {
    try {
      finish();
    } catch (...) {
      // Mostly the same failure seen again, as when a last send meets the broken connection: the first one tells.
    }
    throw;
  }
  finish();
}

}  // namespace socketserver
