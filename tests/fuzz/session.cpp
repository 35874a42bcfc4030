#include <socketserver/base/text.hpp>
#include <socketserver/handlers/echo.hpp>
#include <socketserver/handlers/struct_echo.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/testing/run_handler.hpp>
#include <vector>

#include "fuzz/targets.hpp"

using namespace socketserver;
using namespace socketserver::testing;

namespace {

struct Peer {
  Script script;
  std::string sent;
};

/// A peer that does anything but expect.
Peer peer(fuzz::Dice& dice) {
  std::vector<PeerStep> steps;
  std::string sent;
  while (!dice.empty() && steps.size() < 200) {
    switch (dice.below(8)) {
      case 0: steps.push_back(pause(std::chrono::milliseconds(dice.next() * 100))); break;
      case 1: steps.push_back(stop_reading()); break;
      case 2: steps.push_back(resume_reading()); break;
      case 3:
        if (dice.below(8) == 0) steps.push_back(reset());
        break;
      default: {
        const std::string_view bytes = dice.text(1 + dice.below(60));
        sent += bytes;
        if (!bytes.empty()) steps.push_back(send(std::string(bytes)));
      }
    }
  }
  return {Script(std::move(steps)), std::move(sent)};
}

HandlerRun checked(const HandlerRun& run) {
  fuzz::require(!run.exception || run.threw<StreamError>(), "what leaves a handler is an error of its stream");
  return run;
}

}  // namespace

void fuzz::session(Bytes bytes) {
  Dice dice(bytes);
  RunOptions options{.limits = {.max_line = 1 + dice.below(50), .read_buffer = 1 + dice.below(20)}};
  options.limits.write_buffer = dice.below(20);
  const std::size_t operation = dice.below(20);
  switch (dice.below(4)) {
    case 0: options.fault = Fault::timeout(operation); break;
    case 1: options.fault = Fault::reset(operation); break;
    case 2: options.fault = Fault::short_write(operation); break;
    default: break;
  }
  const Peer made = peer(dice);
  const HandlerRun upper_case = checked(run_handler<UpperCaseHandler>(options, made.script));
  require(upper(made.sent).starts_with(upper_case.output), "the answer is the beginning of the input in upper case");
  const HandlerRun echoed = checked(run_handler<EchoHandler>(options, made.script));
  require(made.sent.starts_with(echoed.output), "the echo is the beginning of the input");
  (void)checked(run_handler<RawUpperCaseHandler>(options, made.script));
  (void)checked(run_handler<StructEchoHandler>(options, made.script));
}
