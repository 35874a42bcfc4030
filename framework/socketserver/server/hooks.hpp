#pragma once
// What a program may override in its server, as the server's parts call it.

#include <cstddef>
#include <exception>
#include <socketserver/server/request.hpp>

namespace socketserver::detail {

/// BaseServer's hooks, by their names.
class Hooks {
 public:
  virtual bool verify_request(Request& request) = 0;
  virtual void process_request(Request& request) = 0;
  virtual bool handler_speaks_first() const noexcept = 0;
  virtual void finish_request(Request& request) = 0;
  virtual void shutdown_request(Request& request) = 0;
  virtual void close_request(Request& request) = 0;
  virtual void handle_error(Request& request, std::exception_ptr error) = 0;
  virtual void service_actions() = 0;
  virtual void handle_drain_timeout(std::size_t running) = 0;

 protected:
  ~Hooks() = default;
};

}  // namespace socketserver::detail
