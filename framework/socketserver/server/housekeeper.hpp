#pragma once
// What a server does in the background: lingering closes, waits for a first byte, and one alarm for the
// drain deadline.

#include <memory>
#include <socketserver/server/environment.hpp>

namespace socketserver::detail {

/// One thread with an event loop.
class Housekeeper final : public Background {
 public:
  /// @param most_lingering  see bound_lingering().
  /// @throws std::system_error  no thread or no descriptors.
  explicit Housekeeper(std::size_t most_lingering);
  /// Closes the sockets that still linger.
  ~Housekeeper() override;

  void linger(FileDescriptor socket, Duration time, bool hold_fin) override;
  void bound_lingering(std::size_t most) override;
  void shed(std::size_t count) noexcept override;
  std::size_t lingering() const noexcept override;
  std::uint64_t lingers_cut() const noexcept override;
  void finish_lingering() override;
  bool await_input(ServedStream& stream, Deadline deadline, InputAction done) override;
  void end_input_waits() noexcept override;
  void allow_input_waits() noexcept override;
  void set_alarm(Deadline deadline, Job action) override;
  void cancel_alarm() noexcept override;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace socketserver::detail
