#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

#include "modes.hpp"

namespace bench {
namespace {

class Churn {
 public:
  explicit Churn(const Options& options) : options_(options), lines_(options.line_bytes), slots_(options.connections) {
    if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) connect(slot);
  }
  Churn(Churn&&) = delete;
  ~Churn() { close(epoll_); }

  void turn(Histogram& latencies) {
    const int count = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), 1);
    for (int i = 0; i < count; ++i) take_answer(events_[static_cast<std::size_t>(i)].data.u64, latencies);
    if (count > 0) last_answer_ = Clock::now();
    if (Clock::now() - last_answer_ > options_.patience) throw WrongAnswer("no client is answered any more");
  }

 private:
  void connect(std::size_t slot) {
    slots_[slot].reset();
    const Clock::time_point began = Clock::now();
    slots_[slot].emplace(next_++, options_.port, lines_, 1);
    slots_[slot]->send_ahead(began);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = slot}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, slots_[slot]->descriptor(), &event) != 0) {
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
  }

  void take_answer(std::size_t slot, Histogram& latencies) {
    slots_[slot]->receive(room_, latencies);
    if (slots_[slot]->all_answered()) connect(slot);
  }

  const Options& options_;
  Lines lines_;
  std::vector<std::optional<Client>> slots_;
  std::uint32_t next_ = 0;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  Clock::time_point last_answer_ = Clock::now();
  std::array<epoll_event, 256> events_{};
  std::array<char, 4096> room_{};
};

}  // namespace

Figures run_churn(const Options& options) {
  Figures figures;
  Churn churn(options);
  measure(figures, options, [&] { churn.turn(figures.latencies); });
  return figures;
}

}  // namespace bench
