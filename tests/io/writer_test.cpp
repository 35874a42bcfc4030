#include <array>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/io/reader.hpp>
#include <socketserver/io/writer.hpp>

#include "support/catch.hpp"

using namespace socketserver;
using Sends = std::vector<std::string>;

TEST_CASE("what is written goes out together, at a flush") {
  MemoryStream stream;
  Writer writer(stream);
  writer.write("ab");
  writer << "cd" << 'e' << 12 << ' ' << -7L << ' ' << 2.5;
  CHECK(stream.writes().empty());
  writer.flush();
  writer.flush();
  CHECK(stream.writes() == Sends{"abcde12 -7 2.5"});
}

TEST_CASE("the buffer is flushed before the handler waits for input") {
  MemoryStream stream({"one\ntwo\n", "three\n"});
  Writer writer(stream);
  Reader reader(stream);
  while (const auto line = reader.readline()) writer.write(*line);
  CHECK(stream.writes() == Sends{"one\ntwo\n", "three\n"});
}

TEST_CASE("a raw recv flushes, too") {
  MemoryStream stream("x");
  Writer writer(stream);
  writer << "prompt";
  CHECK(stream.recv(1) == "x");
  CHECK(stream.writes() == Sends{"prompt"});
}

TEST_CASE("a buffer of zero sends every write at once") {
  MemoryStream stream;
  Writer writer(stream, 0);
  writer << "a"
         << "b";
  CHECK(stream.writes() == Sends{"a", "b"});
}

TEST_CASE("what does not fit goes out in order") {
  MemoryStream stream;
  Writer writer(stream, 4);
  writer << "abc"
         << "de"
         << "0123456789"
         << "f";
  writer.flush();
  CHECK(stream.writes() == Sends{"abc", "de", "0123456789", "f"});
}

TEST_CASE("bytes are written as they are") {
  MemoryStream stream;
  Writer writer(stream);
  writer.write(std::array{std::byte{0}, std::byte{255}});
  writer.flush();
  CHECK(stream.written() == std::string("\0\xff", 2));
}

TEST_CASE("a failed flush before a read is reported by the read") {
  MemoryStream stream("x");
  Writer writer(stream);
  writer << "lost";
  stream.shutdown(ShutdownHow::write);
  CHECK_THROWS_AS(stream.recv(1), StreamError);
}

TEST_CASE("destroying a writer unties it") {
  MemoryStream stream("x");
  { Writer writer(stream); }
  CHECK(stream.recv(1) == "x");
}

TEST_CASE("a bool is not written by accident as a byte") {
  const auto writable = [](auto value) {
    return requires(Writer & writer) { writer << value; };
  };
  CHECK_FALSE(writable(true));
  CHECK(writable('c'));
  CHECK(writable(1));
}
