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
      // Usually a consequence of the first failure, as a flush to a broken connection: report the first.
    }
    throw;
  }
  finish();
}

}  // namespace socketserver
