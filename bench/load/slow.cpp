#include "slow.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace bench {
namespace {

constexpr std::chrono::milliseconds kInterval{250};
constexpr std::size_t kReadersDepth = 4096;       // lines that a slow reader asks for ahead: 128 KiB
constexpr std::size_t kReadAtOnce = 512;          // bytes
constexpr int kActsPerTurn = 8;                   // so that measured clients do not wait for slow ones in this program
constexpr std::uint32_t kFirstNumber = 1U << 24;  // no measured client has these

}  // namespace

SlowClients::SlowClients(const Options& options, const Lines& lines) {
  for (std::size_t i = 0; i < options.slow_connections; ++i) {
    const auto number = kFirstNumber + static_cast<std::uint32_t>(i);
    const bool drips = i % 2 == 0;
    Slow& slow =
        clients_.emplace_back(drips ? Slow{Client(number, options.port, lines, 1), true}
                                    : Slow{Client(number, options.port, lines, kReadersDepth, Window::small), false});
    slow.client.ask_one(Clock::now());
    slow.client.await_answers(options.patience);
    if (!drips) slow.client.send_ahead(Clock::now());
  }
  if (!clients_.empty()) step_ = Clock::duration(kInterval) / clients_.size();
}

void SlowClients::turn() {
  const Clock::time_point now = Clock::now();
  for (int acts = 0; !clients_.empty() && due_ <= now && acts < kActsPerTurn; ++acts) {
    act(next_);
    next_ = (next_ + 1) % clients_.size();
    due_ = std::max(due_ + step_, now - kInterval);  // what this program is late for is not made up for
  }
}

void SlowClients::act(std::size_t index) {
  Slow& slow = clients_[index];
  if (slow.dropped) return;
  std::array<char, kReadAtOnce> room;
  Histogram unused;
  try {
    slow.client.send_ahead(Clock::now(), slow.dripping ? 1 : SIZE_MAX);
    slow.client.receive(room, unused);
  } catch (const ConnectionEnded&) {  // a server may close a slow connection
    slow.dropped = true;
    ++dropped_;
  }
}

}  // namespace bench
