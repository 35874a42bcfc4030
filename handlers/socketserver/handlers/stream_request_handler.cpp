#include <socketserver/handlers/stream_request_handler.hpp>

namespace socketserver {

/// rfile() and wfile() for as long as this object lives.
class StreamRequestHandler::Attached {
 public:
  Attached(StreamRequestHandler& handler, Reader& reader, Writer& writer) : handler_(handler) {
    handler_.rfile_ = &reader;
    handler_.wfile_ = &writer;
  }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;
  ~Attached() {
    handler_.rfile_ = nullptr;
    handler_.wfile_ = nullptr;
  }

 private:
  StreamRequestHandler& handler_;
};

void StreamRequestHandler::run_phases() {
  const LimitsConfig& limits = connection().limits();
  Reader reader(request(), {.max_line = options_.max_line.value_or(limits.max_line),
                            .read_buffer = options_.read_buffer.value_or(limits.read_buffer)});
  Writer writer(request(), options_.write_buffer.value_or(limits.write_buffer));
  const Attached attached(*this, reader, writer);
  try {
    BaseRequestHandler::run_phases();
  } catch (...) {
    // The answers given before still go out; the exception under way tells more than a failure here would.
    (void)writer.try_flush();
    throw;
  }
  writer.flush();
}

}  // namespace socketserver
