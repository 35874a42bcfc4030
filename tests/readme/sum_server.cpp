#include <array>
#include <socketserver/socketserver.hpp>
#include <socketserver/wire/struct.hpp>

namespace ss = socketserver;
using namespace std::chrono_literals;

class SumHandler : public ss::StreamRequestHandler {
  using Record = ss::Struct<"!IH">;
  using Sum = ss::Struct<"!Q">;

 protected:
  void setup() override { request().settimeout(5s); }

  void handle() override {
    std::array<std::byte, Record::size> record;
    while (rfile().read(record) == record.size()) {
      const auto [number, addend] = Record::unpack(record);
      wfile().write(Sum::pack(std::uint64_t{number} + addend));
    }
  }
};

int main(int argc, char** argv) { return ss::serve_main<SumHandler>(argc, argv); }
