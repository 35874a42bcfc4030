#pragma once
// A handler on the raw stream that takes a text and then a binary record.

#include <socketserver/base/visibility.hpp>
#include <socketserver/handlers/base_request_handler.hpp>
#include <socketserver/wire/struct.hpp>
#include <string>
#include <string_view>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Receives once, at most 1024 bytes, and sends them back as they are; then takes a record, however TCP cuts it, and
/// logs it at info: (1, "ab", 2, 3, 3, 2.5). A record that ends short is one line, too. Then it waits for the
/// peer's EOF and ends its own direction.
///
/// TCP keeps no boundaries, so the first receive may bring the record as well. Hence the text is a line, and what
/// follows its `\n` belongs to the record; a text without `\n` is what the first receive brought. The echo is what
/// that brought, in any case: a peer that reads its echo by lines gets the same in both cases.
///
/// So a line has at most 1024 bytes with its `\n`. Of a longer one the rest would be taken for the record; where the
/// first receive brings 1024 bytes without a `\n` that is a warning instead, and no record is read.
class StructEchoHandler : public BaseRequestHandler {
 public:
  /// 22 bytes in network byte order.
  using Record = Struct<"! I 2s Q 2h f">;

 protected:
  void handle() override;

  /// Called once for each connection that has sent a text. Writes the line to the server's log; nowhere without one.
  virtual void log(std::string_view line);
  /// Called instead where the text is too long. Logs a warning.
  virtual void log_warning(std::string_view line);

 private:
  /// Takes the record and logs it. @param first  what the first receive brought.
  void take_record(const std::string& first);
  /// Reads on until the record is complete or the peer has ended.
  void receive_record(std::string& record);
};

}  // namespace socketserver
