#pragma once
// Handlers that answer in upper case: line by line, and one raw message.

#include <socketserver/base/visibility.hpp>
#include <socketserver/handlers/stream_request_handler.hpp>

namespace SOCKETSERVER_PUBLIC socketserver {

/// Answers each line with the line in upper case, its end unchanged, until EOF.
class UpperCaseHandler : public StreamRequestHandler {
 public:
  using StreamRequestHandler::StreamRequestHandler;

 protected:
  void handle() override;
};

/// Receives once, at most 1024 bytes, and sends them back stripped of white space and in upper case.
class RawUpperCaseHandler : public BaseRequestHandler {
 protected:
  void handle() override;
};

}  // namespace socketserver
