#pragma once
// The network of a simulation: connections in memory, whose two ends run on one scheduler, and a server's environment
// made of them.

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <socketserver/server/environment.hpp>
#include <socketserver/testing/simulation/scheduler.hpp>
#include <socketserver/wait/detail/wait_list.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace socketserver::testing::detail {

using socketserver::detail::WaitList;

/// What happened, a line each with its time.
class Trace {
 public:
  explicit Trace(const Clock& clock) : clock_(clock) {}
  /// @param who  0 for the server, else the client's number.
  void add(std::size_t who, std::string_view what);
  const std::string& text() const noexcept { return text_; }

 private:
  const Clock& clock_;
  std::string text_;
};

/// How a connection ended, as far as the network knows.
enum class LinkEnd {
  none,         // the server has it still
  closed,       // by the server, on its own initiative
  reset,        // by the client
  aborted,      // by the server's drain
  turned_away,  // never accepted
};

/// One connection, with all that both ends see of it. Lives as long as the simulation.
struct Link {
  std::size_t client = 0;
  std::size_t capacity = 0;  // bytes under way to the client that the network takes before a send waits

  std::string to_server;             // arrived and not read
  std::uint64_t arrived = 0;         // bytes, to the end of the connection
  std::uint64_t arrived_before = 0;  // those before last_arrival
  TimePoint last_arrival{};
  std::uint64_t read = 0;                 // bytes that the server has read
  std::optional<std::uint64_t> served{};  // bytes that had arrived when reading ended: what has to be answered
  std::uint64_t served_at_least = 0;      // without those that came at that very moment: they may be too late
  std::string to_client;                  // sent and not taken
  std::string answers;                    // all that the server has sent
  bool client_eof = false;                // has arrived
  bool server_eof = false;                // the server has shut its direction down, or closed
  LinkEnd end = LinkEnd::none;
  bool failed_write = false;  // a send ended by its deadline: what was under way is lost
  std::optional<TimePoint> accepted_at{};
  std::optional<TimePoint> begun_at{};    // when the server first read
  std::optional<TimePoint> idle_since{};  // when it began to wait for the message that is next
  std::optional<TimePoint> more_since{};  // or for the rest of one that has begun
  std::uint64_t idle_at_progress = 0;     // bytes, of both directions, that had gone by then
  bool timed_out = false;                 // so the last read or send ended
  std::optional<TimePoint> ended_at{};    // when the server closed it

  TimePoint connected_at = steady_clock().now();
  std::optional<TimePoint> turned_away_at{};  // never accepted
  std::size_t open_when_accepted = 0;         // other connections
  struct WriteWait {
    TimePoint since;  // when the sendall found no room
    TimePoint until;
    bool timed_out;
  };
  std::optional<TimePoint> write_waits_since{};
  std::vector<WriteWait> write_waits{};

  void arrive(std::string_view bytes);
  /// The server reads no more. Only the first call counts.
  void end_reading();

  std::mutex mutex;  // held by the running fiber; WaitList requires one
  WaitList changed;  // any of the above that an end may wait for
};

/// The server's end.
class SimulatedStream final : public socketserver::detail::ServedStream {
 public:
  SimulatedStream(std::shared_ptr<Link> link, Dice& dice, Trace& trace);
  ~SimulatedStream() override;

  std::uint64_t bytes_in() const noexcept override { return link_->read; }
  std::uint64_t bytes_out() const noexcept override { return link_->answers.size(); }
  bool at_eof() const noexcept override { return at_eof_; }
  bool read_is_shut() const noexcept override { return read_shut_; }
  socketserver::detail::FirstInput first_input() const noexcept override;
  int native_handle() const noexcept override { return -1; }
  /// Waits for it. @param ended  makes it return none, once `changed` of the link is notified.
  socketserver::detail::FirstInput await_input(Deadline deadline, const bool& ended);
  void wake_waits() noexcept;
  FileDescriptor release() noexcept override;
  void shutdown(ShutdownHow how) noexcept override;
  void close() noexcept override { (void)release(); }
  void drain() noexcept override;
  void abort() noexcept override;
  bool end_is_local() const noexcept override { return !at_eof_; }
  IoResult read_some(std::span<std::byte> into, Deadline deadline, Wait wait) override;
  IoResult write_some(std::span<const std::byte> bytes, Deadline deadline) override;

 private:
  std::optional<IoResult> read_now(std::span<std::byte> into, Wait wait);
  void begin_read(Wait wait);
  std::optional<IoResult> write_now(std::span<const std::byte> bytes);

  const std::shared_ptr<Link> link_;
  Dice& dice_;
  Trace& trace_;
  bool at_eof_ = false;
  bool read_shut_ = false;
  bool draining_ = false;
  bool aborted_ = false;
};

/// Where clients connect to, and what a server is made in.
class SimulatedNetwork final : public socketserver::detail::Environment {
 public:
  SimulatedNetwork(Scheduler& scheduler, Dice& dice, Trace& trace)
      : scheduler_(scheduler), dice_(dice), trace_(trace) {}

  /// @returns the client's new connection, null if the server does not listen.
  std::shared_ptr<Link> connect(std::size_t client, std::size_t capacity);
  /// The next accept fails with this.
  void fail_next_accept(std::errc error);
  /// @returns all connections there were.
  const std::deque<std::shared_ptr<Link>>& links() const noexcept { return links_; }
  /// When the server began to stop.
  std::optional<TimePoint> refuses_since() const noexcept { return refuses_since_; }
  /// Accepts that have failed.
  std::uint64_t errors_delivered() const noexcept { return errors_delivered_; }

  std::unique_ptr<socketserver::detail::Listener> listen(const std::vector<ListenOptions>& listen,
                                                         const SocketOptions& socket) override;
  std::unique_ptr<socketserver::detail::Background> background(std::size_t most_lingering) override;
  std::unique_ptr<Policy> policy(const PolicyOptions& options) override;

 private:
  class SimulatedListener;
  class SimulatedBackground;
  class SimulatedPolicy;

  Scheduler& scheduler_;
  Dice& dice_;
  Trace& trace_;
  SimulatedListener* listener_ = nullptr;
  std::deque<std::shared_ptr<Link>> links_;
  std::uint64_t errors_delivered_ = 0;
  std::optional<TimePoint> refuses_since_{};
};

}  // namespace socketserver::testing::detail
