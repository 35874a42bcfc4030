// The code of docs/struct.md, compiled and run; each block stands here as it stands there.

#include <cstdint>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/io/reader.hpp>
#include <socketserver/io/writer.hpp>
#include <socketserver/wire/struct.hpp>
#include <string>
#include <vector>

#include "hex.hpp"
#include "support/catch.hpp"

using socketserver::Reader;
using socketserver::Writer;

namespace {

using Record = socketserver::Struct<"! I 2s Q 2h f">;

bool answer_record(Reader& rfile, Writer& wfile) {
  const std::string bytes = rfile.read(Record::size);
  if (bytes.size() < Record::size) return false;  // the peer ended
  const auto [id, tag, total, low, high, share] = Record::unpack(bytes);
  wfile.write(Record::pack(id + 1, tag, total, low, high, share / 2));
  return true;
}

using Sample = socketserver::Struct<"! H f">;
using Header = socketserver::Struct<"! B H">;

std::vector<float> read_samples(Reader& rfile) {
  const auto [version, samples] = Header::unpack(rfile.read(Header::size));
  const std::string block = rfile.read(samples * Sample::size);
  std::vector<float> values;
  for (const auto [sensor, value] : Sample::iter_unpack(block)) values.push_back(value);
  return values;
}

constexpr auto kHello = Header::pack(2, 0);

}  // namespace

TEST_CASE("the record of docs/struct.md is answered") {
  socketserver::MemoryStream stream(from_hex("00000001616200000000000000020003000340200000"));
  Reader rfile(stream);
  Writer wfile(stream);
  CHECK(answer_record(rfile, wfile));
  CHECK_FALSE(answer_record(rfile, wfile));
  wfile.flush();
  CHECK(stream.written() == from_hex("0000000261620000000000000002000300033fa00000"));
}

TEST_CASE("the samples of docs/struct.md are read") {
  socketserver::MemoryStream stream(
      from_hex("020002"
               "00013f800000"
               "000240000000"));
  Reader rfile(stream);
  CHECK(read_samples(rfile) == std::vector<float>{1.0F, 2.0F});
  CHECK(hex(kHello) == "020000");
}
