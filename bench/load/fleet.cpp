#include "fleet.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>

namespace bench {
namespace {

constexpr std::size_t kOpenedAtOnce = 128;  // less than any server's backlog

}  // namespace

Fleet::Fleet(const Options& options, const Lines& lines)
    : options_(options), lines_(lines), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  clients_.reserve(options.connections);  // the event loop points at them
}

Fleet::~Fleet() { close(epoll_); }

void Fleet::open(std::size_t count) {
  while (clients_.size() < std::min(count, clients_.capacity())) {
    const std::size_t first = clients_.size();
    while (clients_.size() < std::min(count, first + kOpenedAtOnce)) connect();
    for (Client& client : std::span(clients_).subspan(first)) client.await_answers(options_.patience);
  }
}

void Fleet::connect() {
  const auto number = static_cast<std::uint32_t>(clients_.size());
  Client& client = clients_.emplace_back(number, options_.port, lines_, options_.depth);
  client.ask_one(Clock::now());
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &client}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, client.descriptor(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void Fleet::start() {
  for (Client& client : clients_) client.send_ahead(Clock::now());
}

void Fleet::turn(Histogram& latencies) {
  const int count = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), 1);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    Client& client = *static_cast<Client*>(event.data.ptr);
    take_answers(client, event.events, latencies);
    if (finishing_) {
      client.finish_line(Clock::now());
    } else {
      client.send_ahead(Clock::now());
    }
  }
}

// A short read has emptied the socket (epoll(7)), unless its end has come, which the next receive then reports.
void Fleet::take_answers(Client& client, std::uint32_t events, Histogram& latencies) {
  const bool ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  while (client.receive(room_, latencies) == room_.size() || ended) {
  }
}

void Fleet::finish() {
  finishing_ = true;
  Histogram unused;
  const Clock::time_point began = Clock::now();
  const auto missing = [](const Client& client) { return !client.all_answered(); };
  for (Client& client : clients_) client.finish_line(began);
  for (auto first = clients_.begin(); (first = std::find_if(first, clients_.end(), missing)) != clients_.end();) {
    if (Clock::now() - began > options_.patience) throw WrongAnswer("lines were left unanswered");
    turn(unused);
  }
}

std::size_t Fleet::ask_once_more() {
  for (Client& client : clients_) client.ask_one(Clock::now());
  for (Client& client : clients_) client.await_answers(options_.patience);
  return clients_.size();
}

}  // namespace bench
