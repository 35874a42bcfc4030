#include <socketserver/server/connection_table.hpp>

#include <socketserver/base/text.hpp>
#include <utility>

namespace socketserver::detail {
namespace {

std::uint64_t& counter(ServerStats& stats, Outcome outcome) {
  switch (outcome) {
    case Outcome::served: return stats.served;
    case Outcome::rejected: return stats.rejected;
    case Outcome::timed_out: return stats.timed_out;
    case Outcome::failed: break;
  }
  return stats.failed;
}

}  // namespace

std::string_view to_string(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::served: return "served";
    case Outcome::rejected: return "rejected";
    case Outcome::timed_out: return "timed out";
    case Outcome::failed: break;
  }
  return "failed";
}

Connection& ConnectionTable::add(std::unique_ptr<ServedStream> stream, const SocketAddress& peer, BaseServer& server,
                                 Logger& log, std::shared_ptr<const ServerConfig> config) {
  std::list<Connection> made;
  made.emplace_back(std::move(stream), peer, server, log, std::move(config));
  const std::lock_guard lock(mutex_);
  connections_.splice(connections_.end(), made);
  Connection& connection = connections_.back();
  connection.position = std::prev(connections_.end());
  ++counts_.accepted;
  if (draining_) {
    connection.transport.drain();
    ++seen_in_drain_;
  }
  if (aborting_) {
    connection.transport.abort();
    ++aborted_;
  }
  return connection;
}

void ConnectionTable::end(Connection& connection, Outcome outcome) {
  std::list<Connection> ended;  // destroyed, and so closed, after the lock is released
  const std::lock_guard lock(mutex_);
  ended.splice(ended.end(), connections_, connection.position);
  counts_.bytes_in += connection.transport.bytes_in();
  counts_.bytes_out += connection.transport.bytes_out();
  ++counter(counts_, outcome);
}

void ConnectionTable::count_refused(std::uint64_t ServerStats::*reason) {
  const std::lock_guard lock(mutex_);
  ++counts_.accepted;
  ++counts_.rejected;
  ++(counts_.*reason);
}

void ConnectionTable::count(std::uint64_t ServerStats::*counter) {
  const std::lock_guard lock(mutex_);
  ++(counts_.*counter);
}

void ConnectionTable::count(std::uint64_t TlsStats::*counter) {
  const std::lock_guard lock(mutex_);
  ++(counts_.tls.*counter);
}

void ConnectionTable::announce(Connection& connection, ProxyHeader header) {
  const std::lock_guard lock(mutex_);
  connection.request.announce(std::move(header));
  if (connection.request.proxy()->local) ++counts_.proxy_probes;
}

std::size_t ConnectionTable::active() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

ServerStats ConnectionTable::stats() const {
  const std::lock_guard lock(mutex_);
  ServerStats stats = counts_;
  stats.active = connections_.size();
  for (const Connection& connection : connections_) {
    stats.bytes_in += connection.transport.bytes_in();
    stats.bytes_out += connection.transport.bytes_out();
  }
  return stats;
}

std::string ConnectionTable::describe() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const Connection& connection : connections_) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(steady_clock().now() - connection.accepted_at);
    text += concat(text.empty() ? "" : ", ", connection.request.client_address().to_string(), " (", age.count(),
                   connection.running     ? " s)"
                   : connection.submitted ? " s, waits for a worker)"
                                          : " s, waits)");
  }
  return text.empty() ? "no client" : text;
}

void ConnectionTable::start_drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  seen_in_drain_ = connections_.size();
  for (Connection& connection : connections_) connection.transport.drain();
}

std::size_t ConnectionTable::abort_all() {
  const std::lock_guard lock(mutex_);
  aborting_ = true;
  for (Connection& connection : connections_) connection.transport.abort();
  aborted_ += connections_.size();
  return connections_.size();
}

DrainReport ConnectionTable::finish_drain() {
  const std::lock_guard lock(mutex_);
  draining_ = aborting_ = false;
  const std::size_t seen = std::exchange(seen_in_drain_, 0);
  const std::size_t aborted = std::exchange(aborted_, 0);
  return {.drained = seen - aborted, .forced = aborted};
}

}  // namespace socketserver::detail
