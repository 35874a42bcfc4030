#include <socketserver/handlers/stream_request_handler.hpp>

namespace socketserver {

void StreamRequestHandler::run_phases() {
  const LimitsConfig& limits = connection().limits();
  Reader reader(request(), {.max_line = options_.max_line.value_or(limits.max_line),
                            .read_buffer = options_.read_buffer.value_or(limits.read_buffer)});
  Writer writer(request(), options_.write_buffer.value_or(limits.write_buffer));
  rfile_ = &reader;
  wfile_ = &writer;
  try {
    BaseRequestHandler::run_phases();
  } catch (...) {
    (void)writer
        .try_flush();  // the answers given before; the exception under way tells more than a failure here
    throw;
  }
  writer.flush();
}

}  // namespace socketserver
