#include <socketserver/testing/tls_wire.hpp>

#include <algorithm>
#include <cstring>
#include <socketserver/testing/certificates.hpp>

namespace socketserver::testing::detail {
namespace {

const TestAuthority& authority() {
  static const TestAuthority one;
  return one;
}

std::error_code timed_out() { return std::make_error_code(std::errc::timed_out); }

}  // namespace

const TlsContext& server_context() {
  static const TlsContext context = TlsContext::server({.certificates = {authority().server({"handler.test"})}});
  return context;
}

const TlsContext& client_context() {
  static const TlsContext context =
      TlsContext::client({.ca = authority().certificate(), .server_name = "handler.test", .resume_sessions = false});
  return context;
}

class TlsWire::Queue final : public Stream {
 public:
  void shutdown(ShutdownHow) noexcept override {}
  void close() noexcept override {}
  void drain() noexcept override {}
  void abort() noexcept override {}
  IoResult read_some(std::span<std::byte> into, Deadline, Wait) override {
    const IoResult result = move(to_client, into);
    return result.bytes > 0 ? result : IoResult{0, timed_out()};
  }
  IoResult write_some(std::span<const std::byte> bytes, Deadline) override {
    to_server.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {bytes.size(), {}, IoOperation::send};
  }
  static IoResult move(std::string& from, std::span<std::byte> into) {
    const std::size_t count = std::min(from.size(), into.size());
    std::memcpy(into.data(), from.data(), count);
    from.erase(0, count);
    return {count, {}};
  }

  std::string to_server;
  std::string to_client;
};

TlsWire::TlsWire(Stream& script)
    : ForwardingStream(script), queue_(std::make_unique<Queue>()), client_(*queue_, client_context()) {}

TlsWire::~TlsWire() = default;

IoResult TlsWire::read_some(std::span<std::byte> into, Deadline deadline, Wait wait) {
  for (;;) {
    if (!queue_->to_server.empty()) return Queue::move(queue_->to_server, into);
    if (ended_) return {};
    if (!client_.established()) {
      const IoResult result = client_.handshake(Deadline::at_once());
      if (!queue_->to_server.empty()) continue;
      if (!client_.established()) return {0, result.error};  // it has refused what it got
    }
    std::array<std::byte, 4096> chunk{};
    const IoResult sent = below().read_some(chunk, deadline, wait);
    if (sent.error) return sent;
    ended_ = sent.bytes == 0 && !below().end_is_local();
    if (sent.bytes == 0 && !ended_) return {};
    if (ended_) {
      (void)client_.end_session(Deadline::at_once());
    } else {
      (void)client_.try_sendall(std::span(chunk).first(sent.bytes));
    }
  }
}

/// What the script does not take by the deadline is tried again, with the same bytes, which the client has by then.
IoResult TlsWire::write_some(std::span<const std::byte> bytes, Deadline deadline) {
  const std::span<const std::byte> rest = bytes.subspan(std::min(fed_, bytes.size()));
  queue_->to_client.append(reinterpret_cast<const char*>(rest.data()), rest.size());
  fed_ = bytes.size();
  std::array<std::byte, 4096> plain{};
  for (IoResult got{}; client_.established(); received_.append(reinterpret_cast<char*>(plain.data()), got.bytes)) {
    got = client_.read_some(plain, Deadline::at_once(), Wait::message);
    if (got.bytes == 0) break;  // no whole record, or the server's close_notify
  }
  if (const IoResult result = pass_on(deadline); result.error) return result;
  fed_ = 0;
  return {bytes.size(), {}, IoOperation::send};
}

IoResult TlsWire::pass_on(Deadline deadline) {
  while (!received_.empty()) {
    const IoResult result = below().write_some(std::as_bytes(std::span(received_)), deadline);
    if (result.error) return {0, result.error, IoOperation::send};
    received_.erase(0, result.bytes);
  }
  return {0, {}, IoOperation::send};
}

}  // namespace socketserver::testing::detail
