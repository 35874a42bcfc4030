// expect: nothing, this one compiles
#include <socketserver/wire/struct.hpp>
#include <string>

int main() {
  const std::string bytes(22, 'x');
  return static_cast<int>(std::get<0>(socketserver::Struct<"! I 2s Q 2h f">::unpack(bytes)));
}
