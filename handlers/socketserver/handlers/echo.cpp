#include <socketserver/handlers/echo.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace socketserver {

void EchoHandler::handle() {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t received = request().recv(buffer)) {
    request().sendall(std::span<const std::byte>(buffer.data(), received));
  }
}

}  // namespace socketserver
