#include <socketserver/server/request.hpp>

#include <stdexcept>

namespace socketserver {

BaseServer& Request::server() const {
  if (server_ == nullptr) throw std::logic_error("this request has no server");
  return *server_;
}

}  // namespace socketserver
