// A handler over TLS whose connection is cut at every byte, arrives in pieces, or fails in any operation.

#include <socketserver/base/text.hpp>
#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/io/forwarding_stream.hpp>
#include <socketserver/testing/run_handler.hpp>

#include "support/catch.hpp"
#include "support/tls_pair.hpp"

using namespace socketserver;
using namespace testing_support;

namespace {

/// How the wire below the server's end fails.
struct WireFault {
  std::size_t cut_after = kNever;  ///< bytes that arrive, then EOF
  std::size_t chunk = kNever;      ///< bytes of one read at most
  std::size_t operation = kNever;  ///< which read or write fails, from 0
  std::errc error{};               ///< with what; timed_out only once
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
};

class FaultyWire final : public socketserver::detail::ForwardingStream {
 public:
  FaultyWire(MemoryStream& below, const WireFault& fault) : ForwardingStream(below), fault_(fault) {}

  IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) override {
    if (const std::error_code error = next()) return {0, error};
    const std::size_t most = std::min({into.size(), fault_.chunk, fault_.cut_after - received_});
    if (most == 0) return {};
    const IoResult result = below().read_some(into.first(most), deadline, wait);
    received_ += result.bytes;
    return result;
  }
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override {
    if (const std::error_code error = next()) return {0, error};
    return below().write_some(bytes.first(std::min(bytes.size(), fault_.chunk)), deadline);
  }
  std::size_t received() const { return received_; }
  std::size_t operations() const { return operations_; }

 private:
  std::error_code next() {
    const std::size_t number = operations_++;
    const bool lasting = fault_.error != std::errc::timed_out;
    const bool fails = number == fault_.operation || (lasting && number > fault_.operation);
    return fails ? std::make_error_code(fault_.error) : std::error_code{};
  }

  const WireFault fault_;
  std::size_t received_ = 0;
  std::size_t operations_ = 0;
};

/// Records each line and answers it.
class RecordingHandler : public StreamRequestHandler {
 public:
  explicit RecordingHandler(std::vector<std::string>& lines) : lines_(lines) {}

 protected:
  void handle() override {
    while (const auto line = rfile().readline()) {
      lines_.emplace_back(*line);
      wfile().write(upper(*line));
    }
    lines_.emplace_back("EOF");
  }

 private:
  std::vector<std::string>& lines_;
};

struct Run {
  std::vector<std::string> lines;
  bool threw = false;
  bool stream_error = false;
  std::size_t received = 0, operations = 0;
};

/// Two lines in two records, and an end.
void talk(Stream& wire, const TlsContext& context) {
  TlsStream client(wire, context);
  client.settimeout(kTlsBound);
  std::array<std::byte, 100> into{};
  if (client.try_sendall("first\n").error) return client.abort();
  if (client.try_sendall("second\n").error) return client.abort();
  client.shutdown(ShutdownHow::write);
  while (client.try_recv(into).bytes > 0) {
  }
}

Run run_with(const WireFault& fault) {
  static const TlsContext server_context = TlsContext::server(server_options());
  TlsClientOptions options = client_options();
  options.resume_sessions = false;
  static const TlsContext client_context = TlsContext::client(options);
  auto wires = MemoryStream::pair();
  auto peer = std::async(std::launch::async, [&wires] { talk(*wires.second, client_context); });
  FaultyWire wire(*wires.first, fault);
  Run run;
  {
    TlsStream stream(wire, server_context);
    stream.settimeout(kTlsBound);
    Request request(stream, testing::address("192.0.2.1", 50000), nullptr, LimitsConfig{});
    RecordingHandler handler(run.lines);
    try {
      handler.run(request);
    } catch (const std::exception& error) {
      run.threw = true;
      run.stream_error = dynamic_cast<const StreamError*>(&error) != nullptr;
    }
  }
  run.received = wire.received();
  run.operations = wire.operations();
  wires.first->abort();
  peer.get();
  return run;
}

const std::vector<std::string> kWhole{"first\n", "second\n", "EOF"};

/// Whole lines in their order, and an EOF only where all has come.
void check_end(const Run& run) {
  REQUIRE(run.lines.size() <= kWhole.size());
  for (std::size_t i = 0; i < run.lines.size(); ++i) CHECK(run.lines[i] == kWhole[i]);
  CHECK((run.lines == kWhole || run.threw));
  CHECK((!run.threw || run.stream_error));
}

}  // namespace

TEST_CASE("a connection that is cut at any byte is never a clean end") {
  const Run whole = run_with({});
  REQUIRE(whole.lines == kWhole);
  REQUIRE_FALSE(whole.threw);
  for (std::size_t cut = 0; cut < whole.received; ++cut) {
    CAPTURE(cut);
    const Run run = run_with({.cut_after = cut});
    check_end(run);
    CHECK(run.threw);
  }
}

TEST_CASE("how the ciphertext arrives makes no difference") {
  for (const std::size_t chunk : std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 7, 16, 21, 22, 23, 100, 1000}) {
    CAPTURE(chunk);
    const Run run = run_with({.chunk = chunk});
    CHECK(run.lines == kWhole);
    CHECK_FALSE(run.threw);
  }
}

TEST_CASE("any operation of the transport may fail") {
  for (const std::errc error : {std::errc::timed_out, std::errc::connection_reset}) {
    for (std::size_t n = 0;; ++n) {
      CAPTURE(n, static_cast<int>(error));
      const Run run = run_with({.chunk = 40, .operation = n, .error = error});
      check_end(run);
      if (run.operations <= n) break;
    }
  }
}
