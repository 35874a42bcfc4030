#include <socketserver/handlers/struct_echo.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <socketserver/base/text.hpp>
#include <socketserver/server/base_server.hpp>
#include <span>

namespace socketserver {
namespace {

constexpr std::size_t kMaxText = 1024;  // bytes of the first receive

std::string text_of(float value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

std::string text_of(const StructEchoHandler::Record::Values& record) {
  const auto& [id, tag, total, low, high, share] = record;
  return concat("(", id, ", \"", escaped(tag), "\", ", total, ", ", low, ", ", high, ", ", text_of(share), ")");
}

/// @returns what follows the text, of a record's size at most.
std::string after_text(const std::string& received) {
  const std::size_t end = received.find('\n');
  return end == std::string::npos ? "" : received.substr(end + 1, StructEchoHandler::Record::size);
}

}  // namespace

void StructEchoHandler::handle() {
  const std::string first = request().recv(kMaxText);
  request().sendall(first);
  if (!first.empty()) {
    if (first.size() == kMaxText && first.find('\n') == std::string::npos) {
      log_warning(concat("the line is longer than ", kMaxText, " bytes; no record is read"));
    } else {
      take_record(first);
    }
    std::array<std::byte, 1024> ignored;
    while (request().recv(ignored) > 0) {
    }
  }
  request().shutdown(ShutdownHow::write);
}

void StructEchoHandler::take_record(const std::string& first) {
  std::string record = after_text(first);
  receive_record(record);
  const bool whole = record.size() == Record::size;
  log(whole ? concat("record ", text_of(Record::unpack(record)))
            : concat("the record ends after ", record.size(), " of ", Record::size, " bytes"));
}

void StructEchoHandler::receive_record(std::string& record) {
  const StreamTimeouts& timeouts = request().timeouts();
  std::array<std::byte, Record::size> buffer;
  if (const IoResult result = request().prepare_to_wait(); result.error) throw_stream_error(result);
  Deadline until = request().deadline(record.empty() ? timeouts.idle : timeouts.read);
  while (record.size() < Record::size) {
    const std::span<std::byte> into = std::span(buffer).first(Record::size - record.size());
    const IoResult result = request().receive(into, until, record.empty() ? Wait::message : Wait::more);
    if (result.error) throw_stream_error(result);
    if (result.bytes == 0) return;
    // From its first byte on all of it has one deadline.
    if (record.empty()) until = request().deadline(timeouts.read);
    record.append(reinterpret_cast<const char*>(buffer.data()), result.bytes);
  }
}

void StructEchoHandler::log(std::string_view line) {
  if (!connection().has_server()) return;
  server().log().info(concat(client_address().to_string(), ": ", line));
}

void StructEchoHandler::log_warning(std::string_view line) {
  if (!connection().has_server()) return;
  server().log().warning(concat(client_address().to_string(), ": ", line));
}

}  // namespace socketserver
