#include <socketserver/handlers/upper_case.hpp>

#include <socketserver/base/text.hpp>

namespace socketserver {

void UpperCaseHandler::handle() {
  while (const auto line = rfile().readline()) wfile().write(upper(*line));
}

void RawUpperCaseHandler::handle() { request().sendall(upper(strip(request().recv(1024)))); }

}  // namespace socketserver
