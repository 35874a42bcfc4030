// The corpus of the fuzz targets, with what they have found.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/targets.hpp"
#include "support/catch.hpp"

namespace {

void replay(const std::string& name, void (*target)(fuzz::Bytes)) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(FUZZ_CORPUS) / name)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
    INFO(entry.path());
    target({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    ++files;
  }
  CHECK(files > 0);
}

}  // namespace

TEST_CASE("the corpus of the reader") { replay("reader", fuzz::reader); }
TEST_CASE("the corpus of the configuration") { replay("config", fuzz::config); }
TEST_CASE("the corpus of the struct formats") { replay("structs", fuzz::structs); }
TEST_CASE("the corpus of a handler's session") { replay("session", fuzz::session); }
TEST_CASE("the corpus of TLS records") { replay("tls", fuzz::tls); }
