#include <socketserver/testing/script.hpp>

#include <socketserver/base/text.hpp>

namespace socketserver::testing {

std::string Script::code() const {
  std::string steps;
  for (const PeerStep& step : steps_) steps += concat(steps.empty() ? "" : ", ", step.code());
  return concat("Script{", steps, "}");
}

}  // namespace socketserver::testing
