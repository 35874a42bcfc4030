#include <socketserver/net/read_proxy_header.hpp>

#include <utility>

namespace socketserver::detail {
namespace {

constexpr std::size_t kBlock = 512;  // most headers, and a first request with them

}  // namespace

ProxyRead read_proxy_header(Stream& stream, Deadline deadline) {
  std::string bytes;
  for (;;) {
    const std::size_t had = bytes.size();
    bytes.resize(had + kBlock);
    const auto free = std::as_writable_bytes(std::span(bytes)).subspan(had);
    IoResult result = stream.receive(free, deadline, had == 0 ? Wait::message : Wait::more);
    bytes.resize(had + result.bytes);
    if (result.bytes == 0) return {.result = {had, result.error}};
    ProxyParse parse = parse_proxy_header(bytes);
    if (parse.state == ProxyParse::State::incomplete) continue;
    return {.result = {bytes.size(), {}},
            .problem = parse.problem,
            .header = std::move(parse.header),
            .rest = bytes.substr(parse.size),
            .complete = parse.state == ProxyParse::State::complete};
  }
}

}  // namespace socketserver::detail
